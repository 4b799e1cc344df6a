//! SubRip: numbered cues, the label of a speaker where a turn begins. Nothing at all for silence, which is a valid file.

use super::cue::{Labels, cues};
use super::timing::clock;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    for (number, cue) in (1..).zip(cues(transcript, Labels::InText)) {
        let (start, end) = (clock(cue.span.0, ','), clock(cue.span.1, ','));
        // A player would take an arrow for the times of a cue.
        let lines = cue.lines.join("\n").replace("-->", "→");
        text.push_str(&format!("{number}\n{start} --> {end}\n{lines}\n\n"));
    }
    text
}
