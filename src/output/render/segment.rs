//! Segments: sentences of one speaker, for formats that other programs read.
//!
//! A segment ends with a sentence, at a pause or when the speaker changes.

use super::label::labelled;
use super::punctuation::ends_sentence;
use super::token::{Token, tokens};
use crate::domain::Transcript;

/// Length of the silence that ends a segment, in milliseconds. The same as for cues.
const PAUSE_MS: u64 = 800;
/// Maximum length of a segment, in milliseconds. Whisper, the origin of these formats, has the same limit.
const MAX_SEGMENT_MS: u64 = 30_000;

/// Speech of one speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    /// Start, in milliseconds.
    pub(super) start_ms: u64,
    /// End, in milliseconds.
    pub(super) end_ms: u64,
    /// Label of the speaker, if known.
    pub(super) label: Option<&'a str>,
    /// Words of the segment. Never empty.
    pub(super) words: &'a [Token<'a>],
}

impl Segment<'_> {
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
        match self.label {
            Some(label) if Some(label) != before => labelled(label, &self.text()),
            _ => self.text(),
        }
    }
}

/// Returns the words of a transcript that its segments are made of.
pub(super) fn segment_words(transcript: &Transcript) -> Vec<Token<'_>> {
    tokens(transcript, usize::MAX)
}

/// Returns the segments of words, which are in the order of [`tokens`]. The segments are ordered by start.
///
/// Segments of different channels may overlap. Silence gives no segments.
pub(super) fn segments<'a>(words: &'a [Token<'a>]) -> Vec<Segment<'a>> {
    let mut segments: Vec<Segment<'_>> = Vec::new();
    let mut from = 0;
    for (index, word) in words.iter().enumerate() {
        match segments.last_mut() {
            Some(last) if continues(last, word) => {
                last.end_ms = last.end_ms.max(word.end_ms);
                last.words = &words[from..=index];
            }
            _ => {
                from = index;
                segments.push(Segment {
                    start_ms: word.start_ms,
                    end_ms: word.end_ms,
                    label: word.label.as_deref(),
                    words: &words[index..=index],
                });
            }
        }
    }
    // The sort takes memory even for segments in order, as those of one channel are.
    if !segments.is_sorted_by_key(|segment| segment.start_ms) {
        segments.sort_by_key(|segment| segment.start_ms);
    }
    segments
}

/// Returns each segment with its text. The text starts with the label where the speaker changes.
pub(super) fn labelled_lines<'a>(
    segments: &'a [Segment<'a>],
) -> impl Iterator<Item = (&'a Segment<'a>, String)> {
    let mut last_label = None;
    segments.iter().map(move |segment| {
        let text = segment.labelled_text(last_label);
        last_label = segment.label;
        (segment, text)
    })
}

/// Whether `next` continues the segment.
fn continues(segment: &Segment<'_>, next: &Token<'_>) -> bool {
    let is_complete = segment
        .words
        .last()
        .is_some_and(|word| ends_sentence(&word.text));
    !is_complete
        && segment.words[0].channel == next.channel
        && segment.label == next.label.as_deref()
        && next.start_ms < segment.end_ms.saturating_add(PAUSE_MS)
        && next.end_ms <= segment.start_ms.saturating_add(MAX_SEGMENT_MS)
}
