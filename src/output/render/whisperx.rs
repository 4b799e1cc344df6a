//! WhisperX JSON: segments with their words, followed by all words.

use super::metadata::TranscriptMetadata;
use super::segment::segments;
use super::timing::seconds;
use super::token::Token;
use crate::domain::Transcript;

#[derive(serde::Serialize)]
struct WhisperxDocument {
    segments: Vec<WhisperxSegment>,
    word_segments: Vec<WhisperxWord>,
    language: Option<String>,
}

#[derive(serde::Serialize)]
struct WhisperxSegment {
    start: f64,
    end: f64,
    text: String,
    words: Vec<WhisperxWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
}

#[derive(Clone, serde::Serialize)]
struct WhisperxWord {
    word: String,
    start: f64,
    end: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
}

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let language = envelope.language(transcript);

    let segments: Vec<_> = segments(transcript)
        .into_iter()
        .map(|segment| WhisperxSegment {
            start: seconds(segment.start_ms),
            end: seconds(segment.end_ms),
            text: segment.text(),
            words: segment.words.into_iter().map(whisperx_word).collect(),
            speaker: segment.label,
        })
        .collect();
    let words = segments.iter().flat_map(|segment| &segment.words);
    super::json::pretty(&WhisperxDocument {
        word_segments: words.cloned().collect(),
        // WhisperX compares it with codes of two letters, to know whether words are joined by spaces.
        language: language.map(|language| language.primary().to_owned()),
        segments,
    })
}

fn whisperx_word(token: Token) -> WhisperxWord {
    WhisperxWord {
        word: token.text,
        start: seconds(token.start_ms),
        end: seconds(token.end_ms),
        speaker: token.label,
    }
}
