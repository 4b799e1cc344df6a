//! Whisper's TSV format: start and end in milliseconds, and the text.

use super::segment::{labelled_lines, segments};
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = "start\tend\ttext\n".to_owned();
    for (segment, text_line) in labelled_lines(&segments(transcript)) {
        // The text contains no tab, because its white space is already collapsed to single spaces.
        text.push_str(&format!(
            "{}\t{}\t{text_line}\n",
            segment.start_ms, segment.end_ms
        ));
    }
    text
}
