//! Lines fitted to the width of a terminal. Widths are in columns.

use crate::cli::fit::truncate_end;
use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// Line of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StyledLine {
    pub(super) style: Style,
    pub(super) text: String,
}

impl StyledLine {
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { style, text }
    }

    /// Returns the text with its escape sequences.
    pub(super) fn styled(&self) -> String {
        let (style, text) = (self.style, &self.text);
        format!("{style}{text}{style:#}")
    }
}

/// Pads or truncates text to exactly `width`.
pub(super) fn pad(text: &str, width: usize) -> String {
    let text = truncate_end(text, width);
    let fill = width.saturating_sub(text.width());
    text + &" ".repeat(fill)
}

/// Aligns two texts to the left and the right of a line. Omits the right text if it does not fit.
pub(super) fn justify(left: &str, right: &str, width: usize) -> String {
    let (left_width, right_width) = (left.width(), right.width());
    if left_width + 2 + right_width > width {
        return truncate_end(left, width);
    }
    format!(
        "{left}{}{right}",
        " ".repeat(width - left_width - right_width)
    )
}

/// Joins parts into as many lines as needed. Breaks lines only between parts.
pub(super) fn wrap(parts: &[String], between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + between.width() + part.width() <= width => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(truncate_end(part, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_by_display_width() {
        assert_eq!(pad("録音", 6), "録音  ");
        assert_eq!(pad("recording", 4), "rec…");
    }

    #[test]
    fn a_right_text_that_does_not_fit_is_omitted() {
        assert_eq!(justify("ab", "cd", 8), "ab    cd");
        assert_eq!(justify("ab", "cd", 5), "ab");
    }

    #[test]
    fn lines_break_only_between_parts() {
        let parts = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(wrap(&parts, " · ", 9), ["one · two", "three"]);
        assert_eq!(wrap(&parts, " · ", 40), ["one · two · three"]);
    }
}
