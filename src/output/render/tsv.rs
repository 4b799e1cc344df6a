//! Whisper's TSV format: start and end in milliseconds, and the text with its speaker.
//!
//! Whisper and its readers know no quoting, while table readers take a straight quotation mark for the start of a quoted
//! field, which may contain the following rows. The text has typographic marks instead, which both read as text.

use super::segment::{segment_words, segments};
use crate::domain::Transcript;

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = "start\tend\ttext\n".to_owned();
    for segment in segments(&segment_words(transcript)) {
        let text_line = typographic_quotes(&segment.labelled_text(None));
        // The text contains no tab, because its white space is already collapsed to single spaces.
        text.push_str(&format!(
            "{}\t{}\t{text_line}\n",
            segment.start_ms, segment.end_ms
        ));
    }
    text
}

/// Replaces straight quotation marks. A mark before a word opens a quotation.
fn typographic_quotes(text: &str) -> String {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let quotes = std::iter::from_fn(|| {
        let char = chars.next()?;
        let is_before_word = chars.peek().is_some_and(|next| !next.is_whitespace());
        let is_after_gap = before.is_whitespace() || matches!(before, '(' | '[' | '{' | '“');
        let is_opening = is_after_gap && is_before_word;
        before = match char {
            '"' if is_opening => '“',
            '"' => '”',
            other => other,
        };
        Some(before)
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
        assert_eq!(typographic_quotes(r#""" "a" ""#), "“” “a” ”");
    }
}
