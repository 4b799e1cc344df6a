//! HTML transcript of the podcast namespace: `cite` for the speaker, `time` and `p` for each paragraph.

use super::label::is_right_to_left;
use super::markup::escape;
use super::metadata::TranscriptMetadata;
use super::reading::{Reading, reading_paragraphs};
use super::silence::SILENCE;
use super::timing::clock_time;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let Reading {
        paragraphs,
        has_times,
    } = reading_paragraphs(transcript);
    let mut text = head(transcript, envelope);
    let mut last_label = None;
    for paragraph in &paragraphs {
        if let Some(label) = &paragraph.label
            && last_label != Some(label)
        {
            text.push_str(&format!("<cite>{}:</cite>\n", escape(label)));
        }
        if has_times {
            let seconds = paragraph.start_ms / 1000;
            let time = clock_time(paragraph.start_ms);
            text.push_str(&format!("<time datetime=\"PT{seconds}S\">{time}</time>\n"));
        }
        let direction = if is_right_to_left(&paragraph.text) {
            " dir=\"rtl\""
        } else {
            ""
        };
        text.push_str(&format!("<p{direction}>{}</p>\n", escape(&paragraph.text)));
        last_label = paragraph.label.as_ref();
    }
    if paragraphs.is_empty() {
        text.push_str(&format!("<p>{SILENCE}</p>\n"));
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn head(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let language = envelope.language(transcript);
    let language = language.map_or_else(String::new, |language| format!(" lang=\"{language}\""));
    let title = escape(&envelope.title());
    format!(
        "<!DOCTYPE html>\n<html{language}>\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n<body>\n"
    )
}
