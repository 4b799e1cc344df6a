//! Which family of models a result comes from, by its shape; and the family that gives text alone.

use super::number::seconds;
use super::{assemblyai, deepgram};
use crate::domain::Transcript;
use crate::domain::transcript::Speaker;
use serde_json::Value;

/// Reads a result as [`Completed::raw`](crate::api::Completed::raw) keeps it. What is no result is silence.
#[must_use]
pub fn read_transcript(raw: &str) -> Transcript {
    serde_json::from_str(raw)
        .map(|result| transcript_of(&result))
        .unwrap_or_default()
}

pub(super) fn transcript_of(result: &Value) -> Transcript {
    let mut transcript = match result {
        Value::String(text) => Transcript {
            text: text.clone(),
            ..Transcript::default()
        },
        result if result.get("results").is_some() => deepgram::read(result),
        result => assemblyai::read(result).unwrap_or_else(|| text_only(result)),
    };
    transcript
        .words
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    transcript
        .paragraphs
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    transcript
        .utterances
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    if transcript.text.trim().is_empty() {
        let words: Vec<_> = transcript
            .words
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        transcript.text = words.join(" ");
    }
    transcript
}

/// Whether a value could be a result at all, rather than an envelope without one.
pub(super) fn looks_like_result(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(fields) => [
            "results",
            "text",
            "transcript",
            "words",
            "utterances",
            "segments",
        ]
        .iter()
        .any(|name| fields.contains_key(*name)),
        _ => false,
    }
}

/// `{text, usage}`, as OpenAI's and Microsoft's models answer.
fn text_only(result: &Value) -> Transcript {
    let text = result
        .get("text")
        .or_else(|| result.get("transcript"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let duration = seconds(result.get("duration"))
        .or_else(|| seconds(result.get("usage").and_then(|usage| usage.get("seconds"))));
    Transcript {
        text: text.to_owned(),
        duration_s: duration,
        language: result
            .get("language")
            .and_then(Value::as_str)
            .map(str::to_owned),
        ..Transcript::default()
    }
}

pub(super) fn speaker(value: Option<&Value>) -> Option<Speaker> {
    match value? {
        Value::String(label) if !label.trim().is_empty() => Some(Speaker(label.trim().to_owned())),
        Value::Number(number) => Some(Speaker(number.to_string())),
        _ => None,
    }
}

/// The items of a list, or of an object that stands in for one.
pub(super) fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(fields)) => fields.values().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_that_give_text_alone_are_read() {
        let result = json!({"text": "Hello there.", "usage": {"type": "duration", "seconds": 12}});
        let transcript = transcript_of(&result);
        assert_eq!(
            (transcript.text.as_str(), transcript.duration_s),
            ("Hello there.", Some(12.0))
        );
        assert!(transcript.words.is_empty());
        assert_eq!(transcript_of(&json!("just text")).text, "just text");
    }

    #[test]
    fn what_is_no_result_is_silence() {
        for nothing in [
            json!(null),
            json!(3),
            json!([]),
            json!({}),
            json!({"text": 5}),
            json!({"results": 5}),
        ] {
            assert!(transcript_of(&nothing).is_silent(), "{nothing}");
        }
        assert!(read_transcript("{").is_silent());
    }
}
