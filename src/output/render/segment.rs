//! Words in stretches of one speaker each: a sentence, or what stands between two pauses. What programs read, who cut
//! and show it as they like.

use super::cue::ends_sentence;
use super::plain;
use super::token::{Token, tokens};
use crate::domain::Transcript;
use std::collections::BTreeMap;

/// A silence of so many milliseconds ends a segment, as it ends a cue.
const PAUSE_MS: u64 = 800;
/// Whisper's segments, whose formats these are, are never longer.
const LONGEST_MS: u64 = 30_000;

/// A stretch of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    /// Who speaks.
    pub(super) label: Option<String>,
    /// At least one.
    pub(super) words: Vec<Token>,
}

impl Segment {
    /// Its words in one line.
    pub(super) fn text(&self) -> String {
        plain::join(self.words.iter().map(|word| word.text.as_str()))
    }

    /// The same, after the label where the speaker is another one than `before`.
    pub(super) fn said(&self, before: Option<&str>) -> String {
        match &self.label {
            Some(label) if Some(label.as_str()) != before => format!("{label}: {}", self.text()),
            _ => self.text(),
        }
    }
}

/// The segments of a transcript in the order of their starts; those of several channels may overlap. None for silence.
pub(super) fn segments(transcript: &Transcript) -> Vec<Segment> {
    let mut channels = BTreeMap::<_, Vec<Segment>>::new();
    for word in tokens(transcript, usize::MAX) {
        let segments = channels.entry(word.channel).or_default();
        match segments.last_mut() {
            Some(last) if goes_on(last, &word) => {
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

/// Each segment with what is said in it, its speaker named where another one spoke before.
pub(super) fn lines(segments: &[Segment]) -> impl Iterator<Item = (&Segment, String)> {
    let mut speaking = None;
    segments.iter().map(move |segment| {
        let said = segment.said(speaking);
        speaking = segment.label.as_deref();
        (segment, said)
    })
}

fn goes_on(segment: &Segment, next: &Token) -> bool {
    let is_sentence = segment
        .words
        .last()
        .is_some_and(|word| ends_sentence(&word.text));
    !is_sentence
        && segment.label == next.label
        && next.start_ms < segment.end_ms.saturating_add(PAUSE_MS)
        && next.end_ms <= segment.start_ms.saturating_add(LONGEST_MS)
}
