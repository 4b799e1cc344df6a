//! Detection of the model family by the shape of a result, and the parser for text-only results.

use crate::domain::Transcript;
use crate::provider::result::number::seconds;
use crate::provider::result::{assemblyai, deepgram};
use serde_json_borrow::Value;

/// Reads a result as stored in [`Completed::raw`](crate::provider::Completed::raw).
///
/// Anything that is not a result gives an empty transcript, like silence.
#[must_use]
pub fn read_transcript(raw: &str) -> Transcript {
    serde_json::from_str(raw)
        .map(|result| transcript_of(&result))
        .unwrap_or_default()
}

pub(crate) fn transcript_of(result: &Value<'_>) -> Transcript {
    let mut transcript = match result {
        Value::Str(text) => Transcript {
            text: text.to_string(),
            ..Transcript::default()
        },
        result if !result.get("results").is_null() => deepgram::read(result),
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

/// Whether a value looks like a result rather than an envelope without one.
pub(crate) fn looks_like_result(value: &Value<'_>) -> bool {
    match value {
        Value::Str(text) => !text.trim().is_empty(),
        Value::Object(fields) => [
            "results",
            "text",
            "transcript",
            "words",
            "utterances",
            "segments",
        ]
        .iter()
        .any(|name| fields.contains_key(name)),
        _ => false,
    }
}

/// Reads `{text, usage}`, the result of OpenAI's and Microsoft's models.
fn text_only(result: &Value<'_>) -> Transcript {
    let text = result.get("text").as_str();
    let text = text.or_else(|| result.get("transcript").as_str());
    let duration =
        seconds(result.get("duration")).or_else(|| seconds(result.get("usage").get("seconds")));
    Transcript {
        text: text.unwrap_or_default().to_owned(),
        duration_s: duration,
        language: result.get("language").as_str().map(str::to_owned),
        ..Transcript::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_only_results_are_read() {
        let result = json!({"text": "Hello there.", "usage": {"type": "duration", "seconds": 12}});
        let transcript = read_transcript(&result.to_string());
        assert_eq!(
            (transcript.text.as_str(), transcript.duration_s),
            ("Hello there.", Some(12.0))
        );
        assert!(transcript.words.is_empty());
        assert_eq!(
            read_transcript(&json!("just text").to_string()).text,
            "just text"
        );
    }

    #[test]
    fn anything_but_a_result_is_silence() {
        for nothing in [
            json!(null),
            json!(3),
            json!([]),
            json!({}),
            json!({"text": 5}),
            json!({"results": 5}),
        ] {
            assert!(
                read_transcript(&nothing.to_string()).is_silent(),
                "{nothing}"
            );
        }
        assert!(read_transcript("{").is_silent());
    }
}
