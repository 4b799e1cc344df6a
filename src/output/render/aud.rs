//! Audacity's label track: start and end in seconds, and what is said.

use super::segment::{lines, segments};
use super::timing::seconds;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    for (segment, said) in lines(&segments(transcript)) {
        let (start, end) = (seconds(segment.start_ms), seconds(segment.end_ms));
        text.push_str(&format!("{start:.6}\t{end:.6}\t{said}\n"));
    }
    text
}
