//! Plain text: one paragraph per line, separated by empty lines, with a label where the speaker changes.

use super::label::labelled;
use super::paragraph::{ReadingParagraph, paragraphs, text_paragraphs};
use super::plain;
use super::silence::SILENCE;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    let mut last_label = None;
    for paragraph in reading_paragraphs(transcript) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        if paragraph.label != last_label {
            match &paragraph.label {
                Some(label) => text.push_str(&labelled(label, &paragraph.text)),
                None => text.push_str(&paragraph.text),
            }
            last_label = paragraph.label;
        } else {
            text.push_str(&paragraph.text);
        }
    }
    if text.is_empty() {
        text.push_str(SILENCE);
    }
    text.push('\n');
    text
}

/// Returns the paragraphs with times, unless the text of the transcript says more. Any content of a paid transcript is
/// therefore shown.
fn reading_paragraphs(transcript: &Transcript) -> Vec<ReadingParagraph> {
    let timed = paragraphs(transcript);
    if is_complete(transcript, &timed) {
        return timed;
    }
    let text = text_paragraphs(transcript);
    if text.is_empty() { timed } else { text }
}

/// Whether the paragraphs replace the text: they are those of the service, name the speakers, or have the same words.
fn is_complete(transcript: &Transcript, timed: &[ReadingParagraph]) -> bool {
    let is_labelled = timed.iter().any(|paragraph| paragraph.label.is_some());
    let is_given = !transcript.paragraphs.is_empty() && !timed.is_empty();
    let has_times = !transcript.words.is_empty() || !transcript.utterances.is_empty();
    let has_same_words = || {
        let words = timed.iter().flat_map(|paragraph| visible(&paragraph.text));
        visible(&transcript.text).eq(words)
    };
    is_given || is_labelled || has_times && has_same_words()
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    plain::printable_line(text)
        .chars()
        .filter(|char| !char.is_whitespace())
        .collect::<Vec<_>>()
        .into_iter()
}
