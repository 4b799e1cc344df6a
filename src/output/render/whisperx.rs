//! What WhisperX writes, for the tools that read that: segments with their words, and all words again.

use super::plain;
use super::segment::segments;
use super::timing::seconds;
use super::token::Token;
use crate::domain::Transcript;

#[derive(serde::Serialize)]
struct Document {
    segments: Vec<Spoken>,
    word_segments: Vec<Word>,
    language: Option<String>,
}

#[derive(serde::Serialize)]
struct Spoken {
    start: f64,
    end: f64,
    text: String,
    words: Vec<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
}

#[derive(Clone, serde::Serialize)]
struct Word {
    word: String,
    start: f64,
    end: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
}

pub(super) fn render(transcript: &Transcript) -> String {
    let segments: Vec<_> = segments(transcript)
        .into_iter()
        .map(|segment| Spoken {
            start: seconds(segment.start_ms),
            end: seconds(segment.end_ms),
            text: segment.text(),
            words: segment.words.into_iter().map(word).collect(),
            speaker: segment.label,
        })
        .collect();
    let words = segments.iter().flat_map(|segment| &segment.words);
    super::json::pretty(&Document {
        word_segments: words.cloned().collect(),
        language: transcript.language.as_deref().map(plain::line),
        segments,
    })
}

fn word(token: Token) -> Word {
    Word {
        word: token.text,
        start: seconds(token.start_ms),
        end: seconds(token.end_ms),
        speaker: token.label,
    }
}
