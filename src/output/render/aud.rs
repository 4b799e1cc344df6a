//! Audacity label track: start and end in seconds, and the text.

use super::segment::{labelled_lines, segment_words, segments};
use super::timing::seconds;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    for (segment, text_line) in labelled_lines(&segments(&segment_words(transcript))) {
        let (start, end) = (seconds(segment.start_ms), seconds(segment.end_ms));
        text.push_str(&format!("{start:.6}\t{end:.6}\t{text_line}\n"));
    }
    text
}
