//! LRC, the lyrics format of music players. Each line starts with its time in minutes, seconds and hundredths.

use super::segment::{labelled_lines, segment_words, segments};
use super::silence::SILENCE;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    for (segment, text_line) in labelled_lines(&segments(&segment_words(transcript))) {
        let hundredths = segment.start_ms / 10;
        let (minutes, seconds) = (hundredths / 6000, hundredths / 100 % 60);
        let text_line = bracketless(&text_line);
        text.push_str(&format!(
            "[{minutes:02}:{seconds:02}.{:02}]{text_line}\n",
            hundredths % 100
        ));
    }
    if text.is_empty() {
        // Players reject a file without times.
        return format!("[00:00.00]{}\n", bracketless(SILENCE));
    }
    text
}

/// Players parse a second bracket as another time.
fn bracketless(text: &str) -> String {
    text.replace('[', "(").replace(']', ")")
}
