//! LRC, as players show song texts: a time in minutes and hundredths of seconds before each line.

use super::segment::{lines, segments};
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    for (segment, said) in lines(&segments(transcript)) {
        let hundredths = segment.start_ms / 10;
        let (minutes, seconds) = (hundredths / 6000, hundredths / 100 % 60);
        // A second bracket would be taken for another time.
        let said = said.replace('[', "(").replace(']', ")");
        text.push_str(&format!(
            "[{minutes:02}:{seconds:02}.{:02}]{said}\n",
            hundredths % 100
        ));
    }
    text
}
