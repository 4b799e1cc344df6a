//! Whisper's TSV format: start and end in milliseconds, and the text with its speaker.
//!
//! Whisper and its readers know no quoting, while table readers take a straight quotation mark for the start of a quoted
//! field, which may contain the following rows. The text has typographic marks instead, which both read as text.

use super::segment::segments;
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = "start\tend\ttext\n".to_owned();
    for segment in segments(transcript) {
        let text_line = typographic_quotes(&segment.labelled_text(None));
        // The text contains no tab, because its white space is already collapsed to single spaces.
        text.push_str(&format!(
            "{}\t{}\t{text_line}\n",
            segment.start_ms, segment.end_ms
        ));
    }
    text
}

/// Replaces straight quotation marks. A mark at the start of a word opens a quotation.
fn typographic_quotes(text: &str) -> String {
    let mut before = ' ';
    let quotes = text.chars().map(|char| {
        let is_opening = before.is_whitespace() || matches!(before, '(' | '[' | '{' | '“');
        before = match char {
            '"' if is_opening => '“',
            '"' => '”',
            other => other,
        };
        before
    });
    quotes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_typographic() {
        let text = typographic_quotes(r#""Never," he said ("no"). 12""#);
        assert_eq!(text, "“Never,” he said (“no”). 12”");
    }
}
