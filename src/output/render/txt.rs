//! Plain text: paragraphs separated by empty lines, with a label where the speaker changes.

use super::label::labelled;
use super::paragraph::{ReadingParagraph, paragraphs, text_paragraphs};
use super::plain;
use super::silence::SILENCE;
use super::timing::clock_time;
use super::wrap::wrap;
use crate::domain::Transcript;
use crate::domain::rendering::TxtOptions;

pub(super) fn render(transcript: &Transcript, options: &TxtOptions) -> String {
    let mut text = String::new();
    let mut last_label = None;
    let (paragraphs, has_times) = reading_paragraphs(transcript);
    for paragraph in paragraphs {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let label = paragraph.label.filter(|_| options.speakers);
        let mut line = match &label {
            Some(label) if label_changes(&last_label, label) => labelled(label, &paragraph.text),
            _ => paragraph.text,
        };
        if options.timestamps && has_times {
            line = format!("[{}] {line}", clock_time(paragraph.start_ms));
        }
        match options.width {
            Some(width) => text.push_str(&wrap(&line, width)),
            None => text.push_str(&line),
        }
        last_label = label;
    }
    if text.is_empty() {
        text.push_str(SILENCE);
    }
    text.push('\n');
    text
}

fn label_changes(last: &Option<String>, label: &str) -> bool {
    last.as_deref() != Some(label)
}

/// Returns the paragraphs with times, unless the text of the transcript says more. Any content of a paid transcript is
/// therefore shown. The flag is whether their times are known.
fn reading_paragraphs(transcript: &Transcript) -> (Vec<ReadingParagraph>, bool) {
    let timed = paragraphs(transcript);
    if is_complete(transcript, &timed) {
        return (timed, true);
    }
    let text = text_paragraphs(transcript);
    if text.is_empty() {
        (timed, transcript.has_times())
    } else {
        (text, false)
    }
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
