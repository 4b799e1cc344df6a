//! Lines that fit a terminal.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for what was left out.
const CUT: char = '…';

/// A line of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) style: Style,
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { style, text }
    }

    /// As a terminal takes it.
    pub(super) fn styled(&self) -> String {
        let (style, text) = (self.style, &self.text);
        format!("{style}{text}{style:#}")
    }
}

/// The beginning of a text that is too long.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let kept = text.chars().take_while(|char| fits(*char, &mut left));
    let kept: String = kept.collect();
    if width == 0 {
        kept
    } else {
        format!("{}{CUT}", kept.trim_end())
    }
}

/// The end of a text that is too long: of a path the name.
pub(super) fn cut_front(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let kept = text.chars().rev().take_while(|char| fits(*char, &mut left));
    let mut kept: Vec<_> = kept.collect();
    if width > 0 {
        kept.push(CUT);
    }
    kept.iter().rev().collect()
}

fn fits(char: char, left: &mut usize) -> bool {
    let width = char.width().unwrap_or(0);
    let fits = width <= *left;
    *left = left.saturating_sub(width);
    fits
}

/// A text of exactly this width.
pub(super) fn padded(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let fill = width.saturating_sub(text.width());
    text + &" ".repeat(fill)
}

/// Left and right on one line; what is on the right is left out where it does not fit.
pub(super) fn apart(left: &str, right: &str, width: usize) -> String {
    let (own, other) = (left.width(), right.width());
    if own + 2 + other > width {
        return cut(left, width);
    }
    format!("{left}{}{right}", " ".repeat(width - own - other))
}

/// Parts on as many lines as they need; none is torn apart.
pub(super) fn flow(parts: &[String], between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + between.width() + part.width() <= width => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(cut(part, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_their_width_in_any_script() {
        assert_eq!(cut("recording", 9), "recording");
        assert_eq!(cut("recording", 5), "reco…");
        assert_eq!(cut("録音録音", 6), "録音…");
        assert_eq!(cut_front("talks/2024/a.mp3", 8), "…4/a.mp3");
        assert_eq!(cut_front("録音録音", 4), "…音");
        assert_eq!(
            (cut("ab", 0), cut_front("ab", 0)),
            (String::new(), String::new())
        );
    }

    #[test]
    fn texts_are_padded_by_what_they_take_on_the_screen() {
        assert_eq!(padded("録音", 6), "録音  ");
        assert_eq!(padded("recording", 4), "rec…");
    }

    #[test]
    fn what_does_not_fit_on_the_right_is_left_out() {
        assert_eq!(apart("ab", "cd", 8), "ab    cd");
        assert_eq!(apart("ab", "cd", 5), "ab");
    }

    #[test]
    fn parts_go_on_the_next_line_whole() {
        let parts = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(flow(&parts, " · ", 9), ["one · two", "three"]);
        assert_eq!(flow(&parts, " · ", 40), ["one · two · three"]);
    }
}
