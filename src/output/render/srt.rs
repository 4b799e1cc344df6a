//! SubRip subtitles: numbered cues, with a speaker label at the start of each turn.
//!
//! Silence gives a cue that says so, because players and converters reject an empty file.

use super::cue::{LabelPlacement, cues};
use super::silence::SILENCE;
use super::timing::format_time;
use crate::domain::rendering::SubtitleOptions;
use crate::domain::{Language, Transcript};

pub(super) fn render(
    transcript: &Transcript,
    language: Option<&Language>,
    options: &SubtitleOptions,
) -> String {
    let mut text = String::new();
    for (number, cue) in (1..).zip(cues(transcript, LabelPlacement::Inline, language, options)) {
        let (start, end) = (format_time(cue.span.0, ','), format_time(cue.span.1, ','));
        // Players parse an arrow as the times of a cue.
        let lines = cue.lines.join("\n").replace("-->", "→");
        text.push_str(&format!("{number}\n{start} --> {end}\n{lines}\n\n"));
    }
    if text.is_empty() {
        return format!("1\n00:00:00,000 --> 00:00:01,000\n{SILENCE}\n\n");
    }
    text
}
