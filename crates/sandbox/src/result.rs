//! Results in the format of each model family. The same recording with the same request gives the same result.

use crate::deepgram::Deepgram;
use crate::property::{Family, family};
use crate::result_parts::{CONFIDENCE, punctuated, request_id, sentences, speaker};
use crate::speech::{SpokenWord, words};
use crate::submission::ReceivedSubmission;
use serde_json::{Value, json};

/// Result in the format of the model's family.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(crate) enum ResultBody {
    Deepgram(Deepgram),
    Other(Value),
}

/// Returns the result of a submission.
pub(crate) fn result(submission: &ReceivedSubmission) -> ResultBody {
    let words = words(submission);
    match family(&submission.model) {
        Some(Family::AssemblyAi) => ResultBody::Other(assemblyai(submission, &words)),
        Some(Family::TextOnly) => ResultBody::Other(json!({
            "text": punctuated(&words.iter().collect::<Vec<_>>()),
            "usage": {"type": "duration", "seconds": submission.duration_s},
        })),
        Some(Family::Deepgram) | None => ResultBody::Deepgram(Deepgram::new(submission, &words)),
    }
}

fn assemblyai(submission: &ReceivedSubmission, words: &[SpokenWord]) -> Value {
    let diarize = submission.options.get("diarize") == Some(&Value::Bool(true));
    let letter = |word: &SpokenWord| {
        if diarize {
            ["A", "B"][speaker(word)].into()
        } else {
            Value::Null
        }
    };
    let item = |word: &&SpokenWord| {
        json!({
            "text": word.text, "start": word.start_ms, "end": word.end_ms,
            "confidence": CONFIDENCE, "speaker": letter(word),
        })
    };
    let all: Vec<_> = words.iter().collect();
    let utterances = sentences(&all).map(|words| {
        json!({
            "text": punctuated(words), "start": words[0].start_ms, "end": words[words.len() - 1].end_ms,
            "confidence": CONFIDENCE, "speaker": letter(words[0]), "words": words.iter().map(item).collect::<Vec<_>>(),
        })
    });
    json!({
        "id": request_id(&submission.sha256.to_string()),
        "status": "completed",
        "text": punctuated(&all),
        "words": all.iter().map(item).collect::<Vec<_>>(),
        "utterances": if diarize { utterances.collect() } else { Value::Null },
        "audio_duration": submission.duration_s.round(),
        "language_code": "en_us",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(submission: &ReceivedSubmission) -> Value {
        serde_json::to_value(result(submission)).unwrap()
    }

    fn with(model: &str, options: Value) -> Value {
        shown(&ReceivedSubmission {
            model: model.to_owned(),
            options: options.as_object().unwrap().clone(),
            duration_s: 10.0,
            ..ReceivedSubmission::example("a.mp3")
        })
    }

    fn nova(options: Value) -> Value {
        with("#g1_nova-2-general", options)
    }

    #[test]
    fn without_options_there_are_only_bare_words() {
        let result = nova(json!({}));
        let alternative = &result["results"]["channels"][0]["alternatives"][0];
        insta::assert_snapshot!(alternative["transcript"].as_str().unwrap(), @"this is the nightscribe sandbox not speech recognition the recording a.mp3 lasts 10.0 seconds and its sha-256 begins with abababab the list grew shorter one line after the other");
        insta::assert_snapshot!(alternative["words"][6], @r#"{"word":"speech","start":2.068,"end":2.344,"confidence":0.99}"#);
        insta::assert_snapshot!(result["metadata"], @r#"{"transaction_key":"deprecated","request_id":"abababab-abab-abab-abab-abababababab","sha256":"abababababababababababababababababababababababababababababababab","created":"2025-05-21T01:54:44.461Z","duration":10.0,"channels":1,"models":["5a4db0c5-0000-4000-8000-000000000000"],"model_info":{"5a4db0c5-0000-4000-8000-000000000000":{"name":"nightscribe-sandbox","version":"1","arch":"sandbox"}}}"#);
        assert_eq!(alternative.as_object().unwrap().len(), 3);
        assert_eq!(result["results"].as_object().unwrap().len(), 1);
    }

    #[test]
    fn options_add_their_fields() {
        let result = nova(json!({
            "smart_format": true, "diarize": true, "utterances": true, "multi_channel": true, "detect_language": true,
            "summarize": "v2",
        }));
        let channels = result["results"]["channels"].as_array().unwrap();
        assert_eq!(
            (channels.len(), &result["metadata"]["channels"]),
            (2, &json!(2))
        );
        insta::assert_snapshot!(channels[1]["alternatives"][0]["words"][10], @r#"{"word":"with","start":6.206,"end":6.482,"confidence":0.99,"speaker":1,"speaker_confidence":0.99,"punctuated_word":"with"}"#);
        insta::assert_snapshot!(channels[0]["alternatives"][0]["paragraphs"]["paragraphs"][0], @r#"{"sentences":[{"text":"This is the nightscribe sandbox, not speech recognition.","start":0.0,"end":2.689},{"text":"The list grew shorter, one line after the other.","start":6.896,"end":9.931}],"start":0.0,"end":9.931,"num_words":17,"speaker":0}"#);
        assert_eq!(channels[1]["detected_language"], "en");
        let utterances = result["results"]["utterances"].as_array().unwrap();
        let channel_and_speaker =
            |utterance: &Value| (utterance["channel"].as_u64(), utterance["speaker"].as_u64());
        assert_eq!(channel_and_speaker(&utterances[0]), (Some(0), Some(0)));
        assert_eq!(
            channel_and_speaker(utterances.last().unwrap()),
            (Some(1), Some(1))
        );
        assert_eq!(result["results"]["summary"]["result"], "success");
    }

    #[test]
    fn paragraphs_contain_every_word_once() {
        let result = shown(&ReceivedSubmission {
            options: json!({"paragraphs": true}).as_object().unwrap().clone(),
            duration_s: 600.0,
            ..ReceivedSubmission::example("a.mp3")
        });
        let alternative = &result["results"]["channels"][0]["alternatives"][0];
        let paragraphs = alternative["paragraphs"]["paragraphs"].as_array().unwrap();
        let counted: u64 = paragraphs
            .iter()
            .map(|paragraph| paragraph["num_words"].as_u64().unwrap())
            .sum();
        assert_eq!(
            counted as usize,
            alternative["words"].as_array().unwrap().len()
        );
        assert_eq!(paragraphs[0]["sentences"].as_array().unwrap().len(), 4);
        assert_eq!(
            alternative["paragraphs"]["transcript"]
                .as_str()
                .unwrap()
                .replace("\n\n", " "),
            alternative["transcript"].as_str().unwrap()
        );
    }

    #[test]
    fn silence_is_a_complete_result_without_words() {
        let result = shown(&ReceivedSubmission {
            options: json!({"smart_format": true, "utterances": true})
                .as_object()
                .unwrap()
                .clone(),
            ..ReceivedSubmission::example("silence.wav")
        });
        insta::assert_snapshot!(result["results"], @r#"{"channels":[{"alternatives":[{"transcript":"","confidence":0.0,"words":[],"paragraphs":{"transcript":"","paragraphs":[]}}]}],"utterances":[]}"#);
    }

    #[test]
    fn other_families_have_their_own_formats() {
        let assembly = with("aai/universal", json!({"diarize": true}));
        insta::assert_snapshot!(assembly["words"][8], @r#"{"text":"The","start":2758,"end":3034,"confidence":0.99,"speaker":"B"}"#);
        assert_eq!(
            (
                assembly["status"].as_str(),
                assembly["audio_duration"].as_f64()
            ),
            (Some("completed"), Some(10.0))
        );
        assert_eq!(assembly["utterances"][1]["speaker"], "B");
        insta::assert_snapshot!(with("openai/gpt-4o-transcribe", json!({})), @r#"{"text":"This is the nightscribe sandbox, not speech recognition. The recording a.mp3 lasts 10.0 seconds, and its SHA-256 begins with abababab. The list grew shorter, one line after the other.","usage":{"type":"duration","seconds":10.0}}"#);
    }

    #[test]
    fn the_same_request_gives_the_same_result() {
        let twice = [(); 2].map(|()| nova(json!({"diarize": true})).to_string());
        assert_eq!(twice[0], twice[1]);
    }
}
