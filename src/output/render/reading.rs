//! The paragraphs of a transcript for formats that are read as text.

use super::paragraph::{ReadingParagraph, paragraphs, text_paragraphs};
use super::plain;
use crate::domain::Transcript;

/// Paragraphs to read.
pub(super) struct Reading {
    /// Paragraphs in order.
    pub(super) paragraphs: Vec<ReadingParagraph>,
    /// Whether their times are known.
    pub(super) has_times: bool,
}

/// Returns the paragraphs with times, unless the text of the transcript says more. Any content of a paid transcript is
/// therefore shown.
pub(super) fn reading_paragraphs(transcript: &Transcript) -> Reading {
    let timed = paragraphs(transcript);
    if is_complete(transcript, &timed) {
        return Reading {
            paragraphs: timed,
            has_times: true,
        };
    }
    let text = text_paragraphs(transcript);
    let has_times = text.is_empty() && transcript.has_times();
    Reading {
        paragraphs: if text.is_empty() { timed } else { text },
        has_times,
    }
}

/// Whether the paragraphs replace the text: they are those of the service, name the speakers, or have the same words.
fn is_complete(transcript: &Transcript, timed: &[ReadingParagraph]) -> bool {
    let is_labelled = timed.iter().any(|paragraph| paragraph.label.is_some());
    let is_given = !transcript.paragraphs.is_empty() && !timed.is_empty();
    let has_times = !transcript.words.is_empty() || !transcript.utterances.is_empty();
    let has_same_words = || {
        let words = timed.iter().flat_map(|paragraph| visible(&paragraph.text));
        visible(&plain::printable_line(&transcript.text)).eq(words)
    };
    is_given || is_labelled || has_times && has_same_words()
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|char| !char.is_whitespace())
}
