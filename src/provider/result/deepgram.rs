//! Deepgram results (nova and whisper models). Every field is optional, and an object may stand in for a list.

use crate::domain::Transcript;
use crate::domain::transcript::{Paragraph, Utterance, Word};
use crate::provider::result::field::{items, speaker};
use crate::provider::result::number::{index, seconds, span};
use serde_json_borrow::Value;

pub(crate) fn read(result: &Value<'_>) -> Transcript {
    let results = result.get("results");
    let channels = channels(results);
    let many = channels.len() > 1;
    let mut transcript = Transcript {
        duration_s: seconds(result.get("metadata").get("duration")),
        ..Transcript::default()
    };
    let mut texts = Vec::new();
    for (number, channel) in (0..).zip(channels) {
        let channel_number = many.then_some(number);
        transcript.language = transcript.language.or_else(|| language(channel));
        let Some(best) = one_or_first(channel.get("alternatives"), "transcript") else {
            continue;
        };
        texts.extend(
            best.get("transcript")
                .as_str()
                .filter(|text| !text.trim().is_empty()),
        );
        transcript.words.extend(
            items(best.get("words"))
                .into_iter()
                .filter_map(|item| word(item, channel_number)),
        );
        transcript
            .paragraphs
            .extend(paragraphs(best, channel_number));
    }
    transcript.text = texts.join("\n");
    let utterances = items(results.get("utterances"));
    transcript.utterances = utterances
        .into_iter()
        .filter_map(|item| utterance(item, many))
        .collect();
    transcript
}

fn channels<'a>(results: &'a Value<'a>) -> Vec<&'a Value<'a>> {
    match results.get("channels") {
        single @ Value::Object(fields) if fields.contains_key("alternatives") => vec![single],
        several => items(several),
    }
}

fn one_or_first<'a>(value: &'a Value<'a>, field: &str) -> Option<&'a Value<'a>> {
    match value {
        single @ Value::Object(fields) if fields.contains_key(field) => Some(single),
        several => items(several).first().copied(),
    }
}

fn language(channel: &Value<'_>) -> Option<String> {
    channel.get("detected_language").as_str().map(str::to_owned)
}

fn word(item: &Value<'_>, channel: Option<u32>) -> Option<Word> {
    let punctuated = item.get("punctuated_word").as_str();
    let text = punctuated.or_else(|| item.get("word").as_str())?;
    let (start_s, end_s) = span(item, 1.0)?;
    Some(Word {
        text: text.to_owned(),
        start_s,
        end_s,
        speaker: speaker(item.get("speaker")),
        channel,
    })
}

fn paragraphs(alternative: &Value<'_>, channel: Option<u32>) -> impl Iterator<Item = Paragraph> {
    let list = match alternative.get("paragraphs") {
        object @ Value::Object(_) => object.get("paragraphs"),
        list => list,
    };
    items(list)
        .into_iter()
        .filter_map(move |item| paragraph(item, channel))
}

fn paragraph(item: &Value<'_>, channel: Option<u32>) -> Option<Paragraph> {
    let mut sentences: Vec<String> = items(item.get("sentences"))
        .into_iter()
        .filter_map(sentence)
        .collect();
    if sentences.is_empty() {
        sentences.extend(item.get("text").as_str().map(str::to_owned));
    }
    let (start_s, end_s) = span(item, 1.0).or_else(|| sentence_span(item))?;
    (!sentences.is_empty()).then(|| Paragraph {
        sentences,
        start_s,
        end_s,
        speaker: speaker(item.get("speaker")),
        channel,
    })
}

fn sentence(item: &Value<'_>) -> Option<String> {
    item.as_str()
        .or_else(|| item.get("text").as_str())
        .map(str::to_owned)
}

fn sentence_span(item: &Value<'_>) -> Option<(f64, f64)> {
    let sentences = items(item.get("sentences"));
    let (start, _) = span(sentences.first()?, 1.0)?;
    let (_, end) = span(sentences.last()?, 1.0)?;
    Some((start, end.max(start)))
}

fn utterance(item: &Value<'_>, many_channels: bool) -> Option<Utterance> {
    let text = item
        .get("transcript")
        .as_str()
        .filter(|text| !text.trim().is_empty())?
        .to_owned();
    let (start_s, end_s) = span(item, 1.0)?;
    let channel = if many_channels {
        index(item.get("channel"))
    } else {
        None
    };
    Some(Utterance {
        text,
        start_s,
        end_s,
        speaker: speaker(item.get("speaker")),
        channel,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Speaker;
    use serde_json::json;

    fn read(result: &serde_json::Value) -> Transcript {
        super::read(&serde_json::from_str(&result.to_string()).unwrap())
    }

    #[test]
    fn words_paragraphs_utterances_duration_and_language_are_read() {
        let transcript = read(&json!({
            "metadata": {"duration": 25.5, "channels": 1},
            "results": {
                "channels": [{"detected_language": "en", "alternatives": [{
                    "transcript": "Hi. Yes.", "confidence": 1,
                    "words": [
                        {"word": "hi", "punctuated_word": "Hi.", "start": 0.5, "end": 0.9, "confidence": 1, "speaker": 0},
                        {"word": "yes", "start": 1, "end": 0.2, "confidence": 0.5, "speaker": 1}
                    ],
                    "paragraphs": {"transcript": "Hi.", "paragraphs": [
                        {"sentences": [{"text": "Hi.", "start": 0.5, "end": 0.9}], "speaker": 0, "start": 0.5, "end": 0.9}
                    ]}
                }]}],
                "utterances": [{"start": 0.5, "end": 0.9, "transcript": "Hi.", "speaker": 0, "channel": 0}]
            }
        }));
        assert_eq!(transcript.text, "Hi. Yes.");
        assert_eq!(
            (transcript.duration_s, transcript.language.as_deref()),
            (Some(25.5), Some("en"))
        );
        let shown: Vec<_> = transcript
            .words
            .iter()
            .map(|word| (word.text.as_str(), word.start_s, word.end_s))
            .collect();
        assert_eq!(shown, [("Hi.", 0.5, 0.9), ("yes", 1.0, 1.0)]);
        assert_eq!(transcript.words[1].speaker, Some(Speaker("1".to_owned())));
        assert_eq!(transcript.paragraphs[0].sentences, ["Hi."]);
        assert_eq!(
            (
                transcript.utterances[0].text.as_str(),
                transcript.utterances[0].channel
            ),
            ("Hi.", None)
        );
    }

    #[test]
    fn channels_alternatives_and_paragraphs_may_be_objects_or_lists() {
        let alternative = json!({"transcript": "x", "paragraphs": [{"sentences": [{"text": "x"}], "start": 0, "end": 1}]});
        for channels in [
            json!([{"alternatives": [alternative]}]),
            json!({"alternatives": [alternative]}),
            json!({"0": {"alternatives": alternative}}),
        ] {
            let transcript = read(&json!({"results": {"channels": channels}}));
            assert_eq!(
                (transcript.text.as_str(), transcript.paragraphs.len()),
                ("x", 1)
            );
        }
    }

    #[test]
    fn channels_are_kept_apart() {
        let channel = |text: &str, start: f64| json!({"alternatives": [{"transcript": text, "words": [{"word": text, "start": start, "end": start + 1.0}]}]});
        let transcript = read(&json!({"results": {
            "channels": [channel("b", 1.0), channel("a", 0.0)],
            "utterances": [{"transcript": "b", "start": 1, "end": 2, "channel": 0}, {"transcript": "a", "start": 0, "end": 1, "channel": 1}]
        }}));
        assert_eq!(transcript.text, "b\na");
        assert_eq!(
            transcript
                .words
                .iter()
                .map(|word| word.channel)
                .collect::<Vec<_>>(),
            [Some(0), Some(1)]
        );
        assert_eq!(transcript.utterances[1].channel, Some(1));
    }

    #[test]
    fn a_word_without_numeric_times_is_dropped() {
        let transcript = read(&json!({"results": {"channels": [{"alternatives": [{
            "transcript": "a b", "words": [{"word": "a", "start": "0", "end": 1}, {"word": "b", "start": -1, "end": 1}]
        }]}]}}));
        assert_eq!(transcript.text, "a b");
        assert_eq!(transcript.words.len(), 1);
        assert_eq!(transcript.words[0].start_s, 0.0);
    }
}
