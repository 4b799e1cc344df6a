//! Plain text: paragraphs separated by empty lines, with a label where the speaker changes.

use super::label::labelled;
use super::reading::{Reading, reading_paragraphs};
use super::silence::SILENCE;
use super::timing::clock_time;
use super::wrap::wrap;
use crate::domain::Transcript;
use crate::domain::rendering::TxtOptions;

pub(super) fn render(transcript: &Transcript, options: &TxtOptions) -> String {
    let mut text = String::new();
    let mut last_label = None;
    let Reading {
        paragraphs,
        has_times,
    } = reading_paragraphs(transcript);
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
