//! Segments: sentences of one speaker, for formats that other programs read.
//!
//! A segment ends with a sentence, at a pause or when the speaker changes.

use super::label::labelled;
use super::punctuation::ends_sentence;
use super::token::{Token, text_tokens, tokens};
use crate::domain::Transcript;
use std::collections::BTreeMap;

/// Length of the silence that ends a segment, in milliseconds. The same as for cues.
const PAUSE_MS: u64 = 800;
/// Maximum length of a segment, in milliseconds. Whisper, the origin of these formats, has the same limit.
const MAX_SEGMENT_MS: u64 = 30_000;

/// Speech of one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Start, in milliseconds.
    pub(super) start_ms: u64,
    /// End, in milliseconds.
    pub(super) end_ms: u64,
    /// Label of the speaker, if known.
    pub(super) label: Option<String>,
    /// Words of the segment. Never empty.
    pub(super) words: Vec<Token>,
}

impl Segment {
    /// Returns the text as one line.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 && word.has_space {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }

    /// Returns the text, preceded by the label if the speaker differs from `before`.
    pub(super) fn labelled_text(&self, before: Option<&str>) -> String {
        match &self.label {
            Some(label) if Some(label.as_str()) != before => labelled(label, &self.text()),
            _ => self.text(),
        }
    }
}

/// Returns the segments of a transcript, ordered by start.
///
/// Segments of different channels may overlap. Silence gives no segments.
pub(super) fn segments(transcript: &Transcript) -> Vec<Segment> {
    group(tokens(transcript, usize::MAX))
}

/// Returns the segments of a text whose times are unknown.
pub(super) fn text_segments(text: &str) -> Vec<Segment> {
    group(text_tokens(text, usize::MAX))
}

fn group(words: Vec<Token>) -> Vec<Segment> {
    let mut channels = BTreeMap::<_, Vec<Segment>>::new();
    for word in words {
        let segments = channels.entry(word.channel).or_default();
        match segments.last_mut() {
            Some(last) if continues(last, &word) => {
                last.end_ms = last.end_ms.max(word.end_ms);
                last.words.push(word);
            }
            _ => segments.push(Segment {
                start_ms: word.start_ms,
                end_ms: word.end_ms,
                label: word.label.clone(),
                words: vec![word],
            }),
        }
    }
    let mut all: Vec<_> = channels.into_values().flatten().collect();
    all.sort_by_key(|segment| segment.start_ms);
    all
}

/// Returns each segment with its text. The text starts with the label where the speaker changes.
pub(super) fn labelled_lines(segments: &[Segment]) -> impl Iterator<Item = (&Segment, String)> {
    let mut last_label = None;
    segments.iter().map(move |segment| {
        let text = segment.labelled_text(last_label);
        last_label = segment.label.as_deref();
        (segment, text)
    })
}

/// Whether `next` continues the segment.
fn continues(segment: &Segment, next: &Token) -> bool {
    let is_complete = segment
        .words
        .last()
        .is_some_and(|word| ends_sentence(&word.text));
    !is_complete
        && segment.label == next.label
        && next.start_ms < segment.end_ms.saturating_add(PAUSE_MS)
        && next.end_ms <= segment.start_ms.saturating_add(MAX_SEGMENT_MS)
}
