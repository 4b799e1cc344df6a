//! WebVTT subtitles: cues with a voice tag for the speaker.

use super::cue::{LabelPlacement, cues};
use super::timing::format_time;
use crate::domain::rendering::SubtitleOptions;
use crate::domain::{Language, Transcript};

pub(super) fn render(
    transcript: &Transcript,
    language: Option<&Language>,
    options: &SubtitleOptions,
) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for cue in cues(transcript, LabelPlacement::Separate, language, options) {
        let (start, end) = (format_time(cue.span.0, '.'), format_time(cue.span.1, '.'));
        let voice = cue.label.map_or_else(String::new, |label| voice(&label));
        let lines = escape(&cue.lines.join("\n"));
        text.push_str(&format!("\n{start} --> {end}\n{voice}{lines}\n"));
    }
    text
}

/// Returns the voice tag of a speaker.
///
/// Players parse `-->` as the times of a cue. A space keeps a label that ends with `--` from forming one with the end of
/// the tag. The space is not part of the name.
fn voice(label: &str) -> String {
    let gap = if label.ends_with("--") { " " } else { "" };
    format!("<v {}{gap}>", escape(label))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
