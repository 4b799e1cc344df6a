//! Text fitted to a width in columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Mark in place of omitted text.
const ELLIPSIS: char = '…';

/// Omits the end of a text to fit `width`.
pub(super) fn truncate_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let kept = head(text, width.saturating_sub(1));
    match width {
        0 => kept,
        _ => format!("{}{ELLIPSIS}", kept.trim_end()),
    }
}

/// Omits the middle of a text to fit `width`. Of a path, this keeps its first folder and the end of the file name.
pub(super) fn shorten_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let kept = width - 1;
    let end = tail(text, kept - kept / 3);
    let start = head(text, kept - end.width());
    format!("{start}{ELLIPSIS}{end}")
}

fn head(text: &str, mut width: usize) -> String {
    text.chars()
        .take_while(|char| fits(*char, &mut width))
        .collect()
}

fn tail(text: &str, mut width: usize) -> String {
    let kept = text
        .chars()
        .rev()
        .take_while(|char| fits(*char, &mut width));
    let kept: Vec<_> = kept.collect();
    kept.iter().rev().collect()
}

fn fits(char: char, left: &mut usize) -> bool {
    let width = char.width().unwrap_or(0);
    let fits = width <= *left;
    *left = left.saturating_sub(width);
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_omitted_by_display_width() {
        assert_eq!(truncate_end("recording", 9), "recording");
        assert_eq!(truncate_end("recording", 5), "reco…");
        assert_eq!(truncate_end("録音録音", 6), "録音…");
        assert_eq!(truncate_end("ab", 0), "");
    }

    #[test]
    fn the_middle_is_omitted_by_display_width() {
        assert_eq!(shorten_middle("recording", 9), "recording");
        assert_eq!(
            shorten_middle("talks/2024/episode 17.mp3", 16),
            "talks…ode 17.mp3"
        );
        assert_eq!(shorten_middle("録音録音.mp3", 8), "録….mp3");
        for width in 0..30 {
            let shown = shorten_middle("2024/会議の録音, part 2.m4a", width);
            assert!(shown.width() <= width, "{shown} {width}");
        }
    }
}
