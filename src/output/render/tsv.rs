//! Whisper's table: start and end in milliseconds, and what is said.

use super::segment::{lines, segments};
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = "start\tend\ttext\n".to_owned();
    for (segment, said) in lines(&segments(transcript)) {
        // A line holds no tab: all white space in it is single spaces.
        text.push_str(&format!(
            "{}\t{}\t{said}\n",
            segment.start_ms, segment.end_ms
        ));
    }
    text
}
