//! A result made from the audio: its length and hash, in words that say that nobody listened. The same submission
//! always gives the same result.

use super::submission::Submission;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Speech has about so many words a second.
const WORDS_A_SECOND: f64 = 2.5;
/// The longest transcript, in words: three hours and more.
const MOST_WORDS: usize = 30_000;

/// What fills the time of longer audio.
const FILLERS: [&str; 8] = [
    "No ear has heard this, and no model has read it.",
    "The words are here to fill the time of the recording.",
    "They follow from its hash, and from nothing that was said.",
    "With a key and the real service, its words would stand here.",
    "A queue keeps what is waiting, and forgets nothing.",
    "Every hour that is paid for ends in a file.",
    "The night is long, and the list grows shorter.",
    "Nothing is lost when the light goes out.",
];

/// Whether the service has such a model: the fifteen of its first documents, and families of later ones.
pub(super) fn is_model(name: &str) -> bool {
    let name = name.strip_prefix("#g1_").unwrap_or(name);
    const NOVA: [&str; 10] = [
        "automotive",
        "conversationalai",
        "drivethru",
        "finance",
        "general",
        "medical",
        "meeting",
        "phonecall",
        "video",
        "voicemail",
    ];
    match (name.strip_prefix("nova-2-"), name.strip_prefix("whisper-")) {
        (Some(kind), _) => NOVA.contains(&kind),
        (_, Some(size)) => ["tiny", "base", "small", "medium", "large"].contains(&size),
        _ => {
            name.starts_with("nova-3")
                || ["aai/", "openai/", "microsoft/"]
                    .iter()
                    .any(|vendor| name.starts_with(vendor))
        }
    }
}

/// The result as the model's family gives it.
pub(super) fn result(submission: &Submission) -> Value {
    let words = words(submission);
    let vendor = submission.model.split_once('/').map(|(vendor, _)| vendor);
    match vendor {
        Some("aai") => assemblyai(submission, &words),
        Some(_) => {
            json!({"text": text(&words), "usage": {"type": "duration", "seconds": submission.duration_s}})
        }
        None => deepgram(submission, &words),
    }
}

struct Word {
    text: Cow<'static, str>,
    start: f64,
    end: f64,
    sentence: usize,
}

impl Word {
    fn new(text: impl Into<Cow<'static, str>>, sentence: usize) -> Self {
        Self {
            text: text.into(),
            start: 0.0,
            end: 0.0,
            sentence,
        }
    }

    fn text(&self) -> &str {
        &self.text
    }
}

/// The words, spread evenly over the audio. A recording whose name says silence has none.
fn words(submission: &Submission) -> Vec<Word> {
    if submission.name.to_lowercase().contains("silence") {
        return Vec::new();
    }
    let name = submission.name.rsplit('/').next().unwrap_or_default();
    let opening = format!(
        "This is the nightscribe sandbox, not speech recognition. The recording {name} lasts {:.1} seconds, and its SHA-256 begins with {}.",
        submission.duration_s,
        &submission.sha256[..8]
    );
    let mut words: Vec<Word> = Vec::new();
    let mut sentence = 0;
    for text in opening.split(' ') {
        let ends = text == "recognition." || text.starts_with(&submission.sha256[..8]);
        words.push(Word::new(text.to_owned(), sentence));
        sentence += usize::from(ends);
    }
    let wanted = ((submission.duration_s * WORDS_A_SECOND) as usize).min(MOST_WORDS);
    let mut seed = u64::from_str_radix(&submission.sha256[..16], 16).unwrap_or(1) | 1;
    while words.len() < wanted {
        // Any fixed sequence will do (Marsaglia's xorshift).
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let filler = FILLERS[(seed % FILLERS.len() as u64) as usize];
        words.extend(filler.split(' ').map(|text| Word::new(text, sentence)));
        sentence += 1;
    }
    let each = submission.duration_s / words.len() as f64;
    for (index, word) in words.iter_mut().enumerate() {
        word.start = index as f64 * each;
        word.end = word.start + 0.8 * each;
    }
    words
}

fn text(words: &[Word]) -> String {
    words.iter().map(Word::text).collect::<Vec<_>>().join(" ")
}

fn deepgram(submission: &Submission, words: &[Word]) -> Value {
    let on = |name: &str| submission.options.get(name) == Some(&Value::Bool(true));
    let channels = if on("multi_channel") { 2 } else { 1 };
    let channel = |channel: usize| {
        let own: Vec<_> = words
            .iter()
            .filter(|word| word.sentence % channels == channel)
            .collect();
        let mut alternative = json!({
            "transcript": own.iter().map(|word| word.text()).collect::<Vec<_>>().join(" "),
            "confidence": if own.is_empty() { json!(0) } else { json!(1) },
            "words": own.iter().map(|word| deepgram_word(word, on("diarize"))).collect::<Vec<_>>(),
        });
        if on("paragraphs") || on("smart_format") {
            alternative["paragraphs"] = paragraphs(&own, on("diarize"));
        }
        let mut channel = json!({"alternatives": [alternative]});
        if on("detect_language") {
            channel["detected_language"] = "en".into();
        }
        channel
    };
    let mut results = json!({"channels": (0..channels).map(channel).collect::<Vec<_>>()});
    if on("utterances") {
        results["utterances"] = utterances(words, channels, on("diarize"));
    }
    json!({
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": &submission.sha256[..32],
            "sha256": submission.sha256,
            "created": "2025-05-01T00:00:00.000Z",
            "duration": submission.duration_s,
            "channels": channels,
            "models": ["sandbox"],
            "model_info": {"sandbox": {"name": "nightscribe-sandbox", "version": "1", "arch": "none"}},
        },
        "results": results,
    })
}

fn deepgram_word(word: &Word, diarize: bool) -> Value {
    let bare = word.text().trim_end_matches(['.', ',']).to_lowercase();
    let mut item = Map::new();
    item.insert("word".to_owned(), bare.into());
    item.insert("start".to_owned(), word.start.into());
    item.insert("end".to_owned(), word.end.into());
    item.insert("confidence".to_owned(), 1.into());
    item.insert("punctuated_word".to_owned(), word.text().into());
    if diarize {
        item.insert("speaker".to_owned(), (word.sentence % 2).into());
    }
    Value::Object(item)
}

fn sentences<'a>(words: &'a [&'a Word]) -> impl Iterator<Item = &'a [&'a Word]> {
    words.chunk_by(|a, b| a.sentence == b.sentence)
}

fn sentence_text(words: &[&Word]) -> String {
    words
        .iter()
        .map(|word| word.text())
        .collect::<Vec<_>>()
        .join(" ")
}

fn paragraphs(words: &[&Word], diarize: bool) -> Value {
    let paragraphs: Vec<_> = sentences(words)
        .map(|words| {
            let (start, end) = (words[0].start, words[words.len() - 1].end);
            let mut paragraph = json!({
                "sentences": [{"text": sentence_text(words), "start": start, "end": end}],
                "num_words": words.len(), "start": start, "end": end,
            });
            if diarize {
                paragraph["speaker"] = (words[0].sentence % 2).into();
            }
            paragraph
        })
        .collect();
    let transcript: Vec<_> = sentences(words).map(sentence_text).collect();
    json!({"transcript": transcript.join("\n\n"), "paragraphs": paragraphs})
}

/// Channel by channel, as Deepgram gives them.
fn utterances(words: &[Word], channels: usize, diarize: bool) -> Value {
    let mut utterances = Vec::new();
    for channel in 0..channels {
        let own: Vec<_> = words
            .iter()
            .filter(|word| word.sentence % channels == channel)
            .collect();
        for words in sentences(&own) {
            let mut utterance = json!({
                "start": words[0].start, "end": words[words.len() - 1].end, "confidence": 1, "channel": channel,
                "transcript": sentence_text(words),
            });
            if diarize {
                utterance["speaker"] = (words[0].sentence % 2).into();
            }
            utterances.push(utterance);
        }
    }
    utterances.into()
}

fn assemblyai(submission: &Submission, words: &[Word]) -> Value {
    let millis = |seconds: f64| (seconds * 1000.0) as u64;
    let words_json: Vec<_> = words
        .iter()
        .map(|word| {
            json!({
                "text": word.text(), "start": millis(word.start), "end": millis(word.end), "confidence": 1.0,
                "speaker": if word.sentence.is_multiple_of(2) { "A" } else { "B" },
            })
        })
        .collect();
    json!({
        "id": &submission.sha256[..36], "status": "completed", "text": text(words), "words": words_json,
        "audio_duration": submission.duration_s.round(), "language_code": "en_us",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(model: &str, name: &str, options: Value) -> Submission {
        Submission {
            model: model.to_owned(),
            options: options.as_object().unwrap().clone(),
            name: name.to_owned(),
            bytes: 1,
            sha256: "0123456789abcdef".repeat(4),
            duration_s: 30.0,
        }
    }

    #[test]
    fn the_transcript_says_what_it_is_and_fills_the_time() {
        let result = result(&submission("#g1_nova-2-general", "a.mp3", json!({})));
        let alternative = &result["results"]["channels"][0]["alternatives"][0];
        let text = alternative["transcript"].as_str().unwrap();
        assert!(text.starts_with("This is the nightscribe sandbox, not speech recognition. The recording a.mp3 lasts 30.0 seconds"));
        let words = alternative["words"].as_array().unwrap();
        assert!((75..90).contains(&words.len()));
        assert!(words.last().unwrap()["end"].as_f64().unwrap() <= 30.0);
        assert!(alternative.get("paragraphs").is_none() && words[0].get("speaker").is_none());
    }

    #[test]
    fn options_add_what_they_promise() {
        let options = json!({"diarize": true, "smart_format": true, "utterances": true, "multi_channel": true, "detect_language": true});
        let result = result(&submission("#g1_nova-2-general", "a.mp3", options));
        let channels = result["results"]["channels"].as_array().unwrap();
        assert_eq!(channels.len(), 2);
        assert_eq!(channels[1]["detected_language"], "en");
        assert_eq!(channels[1]["alternatives"][0]["words"][0]["speaker"], 1);
        assert!(channels[0]["alternatives"][0]["paragraphs"]["paragraphs"].is_array());
        assert!(result["results"]["utterances"].as_array().unwrap().len() > 4);
    }

    #[test]
    fn each_family_has_its_shape_and_silence_has_no_words() {
        let assembly = result(&submission("aai/universal", "a.mp3", json!({})));
        assert_eq!(
            (
                assembly["status"].as_str(),
                assembly["audio_duration"].as_f64()
            ),
            (Some("completed"), Some(30.0))
        );
        assert!(
            result(&submission("openai/gpt-4o-transcribe", "a.mp3", json!({})))["text"].is_string()
        );
        let silence = result(&submission("#g1_whisper-tiny", "Silence.mp3", json!({})));
        assert_eq!(
            silence["results"]["channels"][0]["alternatives"][0]["transcript"],
            ""
        );
    }

    #[test]
    fn only_models_of_the_service_are_known() {
        for model in [
            "#g1_nova-2-general",
            "#g1_whisper-large",
            "nova-2-meeting",
            "nova-3-medical",
            "aai/slam-1",
        ] {
            assert!(is_model(model), "{model}");
        }
        for model in ["#g1_nova-2-generel", "whisper-huge", "nova-1-general", ""] {
            assert!(!is_model(model), "{model}");
        }
    }
}
