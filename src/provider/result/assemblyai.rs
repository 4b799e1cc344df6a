//! AssemblyAI results: a flat object with times in milliseconds and letters as speaker labels.

use crate::domain::Transcript;
use crate::domain::transcript::{Utterance, Word};
use crate::provider::result::field::{items, speaker};
use crate::provider::result::number::{index, seconds, span};
use serde_json_borrow::Value;

const MILLISECOND: f64 = 0.001;

/// Reads a result of AssemblyAI's shape. Returns `None` for any other shape.
pub(crate) fn read(result: &Value<'_>) -> Option<Transcript> {
    let words = items(result.get("words"));
    let is_assemblyai = !result.get("audio_duration").is_null()
        || words.iter().any(|word| !word.get("text").is_null());
    if !is_assemblyai {
        return None;
    }
    let utterances = items(result.get("utterances"));
    Some(Transcript {
        text: result.get("text").as_str().unwrap_or_default().to_owned(),
        words: words.into_iter().filter_map(word).collect(),
        paragraphs: Vec::new(),
        utterances: utterances.into_iter().filter_map(utterance).collect(),
        duration_s: seconds(result.get("audio_duration")),
        language: result.get("language_code").as_str().map(str::to_owned),
    })
}

fn word(item: &Value<'_>) -> Option<Word> {
    let text = item.get("text").as_str()?.to_owned();
    let (start_s, end_s) = span(item, MILLISECOND)?;
    Some(Word {
        text,
        start_s,
        end_s,
        speaker: speaker(item.get("speaker")),
        channel: channel(item),
    })
}

fn utterance(item: &Value<'_>) -> Option<Utterance> {
    let text = item
        .get("text")
        .as_str()
        .filter(|text| !text.trim().is_empty())?
        .to_owned();
    let (start_s, end_s) = span(item, MILLISECOND)?;
    Some(Utterance {
        text,
        start_s,
        end_s,
        speaker: speaker(item.get("speaker")),
        channel: channel(item),
    })
}

/// Returns the channel, counted from 0. AssemblyAI counts from 1.
fn channel(item: &Value<'_>) -> Option<u32> {
    index(item.get("channel")).map(|number| number.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Speaker;
    use serde_json::json;

    fn read(result: &serde_json::Value) -> Option<Transcript> {
        super::read(&serde_json::from_str(&result.to_string()).unwrap())
    }

    #[test]
    fn milliseconds_become_seconds_and_letters_stay() {
        let transcript = read(&json!({
            "id": "other", "status": "completed", "text": "Hello you.", "audio_duration": 281, "language_code": "en_us",
            "words": [
                {"text": "Hello", "start": 250, "end": 650, "confidence": 0.97, "speaker": "A"},
                {"text": "you.", "start": 700, "end": 1000, "confidence": 1, "speaker": "B"}
            ],
            "utterances": [{"text": "Hello you.", "start": 250, "end": 1000, "speaker": "A"}]
        }))
        .unwrap();
        assert_eq!(transcript.text, "Hello you.");
        assert_eq!(
            (transcript.words[0].start_s, transcript.words[1].end_s),
            (0.25, 1.0)
        );
        assert_eq!(transcript.words[1].speaker, Some(Speaker("B".to_owned())));
        assert_eq!(
            (transcript.duration_s, transcript.language.as_deref()),
            (Some(281.0), Some("en_us"))
        );
        assert_eq!(transcript.utterances.len(), 1);
    }

    #[test]
    fn other_shapes_are_not_read() {
        assert!(read(&json!({"text": "x", "usage": {}})).is_none());
        assert!(
            read(&json!({"text": "x", "words": [{"word": "x", "start": 0, "end": 1}]})).is_none()
        );
    }
}
