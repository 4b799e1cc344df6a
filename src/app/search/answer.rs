//! The answer to a search.

use crate::domain::{JobId, Timestamp};
use serde::Serialize;

/// Answer to a search. This is its JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SearchAnswer {
    /// Transcripts that were found, best first.
    pub hits: Vec<SearchHit>,
    /// Whether so many transcripts have these words that only the newest were searched. They come newest first, and older ones
    /// may be missing.
    pub limited: bool,
    /// Number of transcripts that are not in the index yet, and were not searched.
    pub unindexed: u64,
}

/// A transcript that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SearchHit {
    /// ID of the job.
    pub item: JobId,
    /// Name of the source.
    pub source: String,
    /// Absolute path or URL of the recording. A byte that is not UTF-8 is written as `\xNN`.
    pub path: String,
    /// Path in percent form. `None` unless it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Path relative to the source, written like `path`.
    pub relative: String,
    /// Modification time of the recording; for a URL the time at which it was queued.
    pub recorded_at: Timestamp,
    /// Detected or requested language of the transcript.
    pub language: Option<String>,
    /// Passages, best first. There is at least one.
    pub passages: Vec<SearchPassage>,
}

/// A passage of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SearchPassage {
    /// Start in seconds. `None` if the transcript has no times.
    pub start_s: Option<f64>,
    /// End in seconds. `None` if the transcript has no times.
    pub end_s: Option<f64>,
    /// Label of the speaker, if known.
    pub speaker: Option<String>,
    /// Text.
    pub text: String,
    /// Parts of the text that match, in order.
    pub matches: Vec<SearchMatch>,
}

/// A part of a text, in characters (Unicode scalar values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SearchMatch {
    /// Index of its first character, from 0.
    pub start: usize,
    /// Index after its last character.
    pub end: usize,
}
