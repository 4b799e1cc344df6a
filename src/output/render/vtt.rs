//! WebVTT: cues with a voice tag that says who speaks.

use super::cue::{Labels, cues};
use super::timing::clock;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for cue in cues(transcript, Labels::Aside) {
        let (start, end) = (clock(cue.span.0, '.'), clock(cue.span.1, '.'));
        let voice = cue.label.map_or_else(String::new, |label| voice(&label));
        let lines = escaped(&cue.lines.join("\n"));
        text.push_str(&format!("\n{start} --> {end}\n{voice}{lines}\n"));
    }
    text
}

/// A player would take an arrow for the times of a cue, also one that the end of the tag completes. The space that
/// prevents it is none of the name.
fn voice(label: &str) -> String {
    let gap = if label.ends_with("--") { " " } else { "" };
    format!("<v {}{gap}>", escaped(label))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
