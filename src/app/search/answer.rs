//! The answer to a search.

use crate::app::spoken_text::SpokenText;
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
    /// Spoken text.
    #[serde(flatten)]
    pub spoken: SpokenText,
    /// Parts of the text that match, in order.
    pub matches: Vec<SearchMatch>,
}

impl SearchPassage {
    /// Returns the text in parts, in order, each with whether it matches. A part may be empty.
    #[must_use]
    pub fn parts(&self) -> Vec<(String, bool)> {
        let chars: Vec<_> = self.spoken.text.chars().collect();
        let part = |from: usize, to: usize| chars[from..to].iter().collect();
        let (mut parts, mut end) = (Vec::new(), 0);
        for found in &self.matches {
            parts.push((part(end, found.start), false));
            parts.push((part(found.start, found.end), true));
            end = found.end;
        }
        parts.push((part(end, chars.len()), false));
        parts
    }
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
