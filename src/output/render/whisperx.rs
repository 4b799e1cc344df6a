//! WhisperX JSON: segments with their words, followed by all words.

use super::metadata::TranscriptMetadata;
use super::segment::{segment_words, segments};
use super::timing::seconds;
use super::token::Token;
use crate::domain::Transcript;

#[derive(serde::Serialize)]
struct WhisperxDocument<'a> {
    segments: Vec<WhisperxSegment<'a>>,
    word_segments: Vec<WhisperxWord<'a>>,
    language: Option<String>,
}

#[derive(serde::Serialize)]
struct WhisperxSegment<'a> {
    start: f64,
    end: f64,
    text: String,
    words: Vec<WhisperxWord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
}

#[derive(Clone, Copy, serde::Serialize)]
struct WhisperxWord<'a> {
    word: &'a str,
    start: f64,
    end: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
}

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let language = envelope.language(transcript);
    let words = segment_words(transcript);
    let segments: Vec<_> = segments(&words)
        .into_iter()
        .map(|segment| WhisperxSegment {
            start: seconds(segment.start_ms),
            end: seconds(segment.end_ms),
            text: segment.text(),
            words: segment.words.iter().map(whisperx_word).collect(),
            speaker: segment.label,
        })
        .collect();
    let words = segments.iter().flat_map(|segment| &segment.words);
    super::json::pretty(&WhisperxDocument {
        word_segments: words.copied().collect(),
        // WhisperX compares it with codes of two letters, to know whether words are joined by spaces.
        language: language.map(|language| language.primary().to_owned()),
        segments,
    })
}

fn whisperx_word<'a>(token: &'a Token<'_>) -> WhisperxWord<'a> {
    WhisperxWord {
        word: &token.text,
        start: seconds(token.start_ms),
        end: seconds(token.end_ms),
        speaker: token.label.as_deref(),
    }
}
