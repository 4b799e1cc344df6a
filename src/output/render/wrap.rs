//! Division of a paragraph into lines of limited width.

use super::plain;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Breaks a line at spaces, and between characters of scripts without spaces, so that no line is wider than `width` columns.
/// A word that is wider stays whole.
pub(super) fn wrap(line: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(line.len());
    let mut columns = 0;
    for piece in pieces(line) {
        let text = piece.text.trim_end();
        let gap = usize::from(piece.has_space && columns > 0);
        if columns > 0 && columns + gap + text.width() > width {
            wrapped.push('\n');
            columns = 0;
        } else if gap > 0 {
            wrapped.push(' ');
            columns += 1;
        }
        wrapped.push_str(text);
        columns += text.width();
    }
    wrapped
}

/// A part of a line between two places where it may break.
struct Piece<'a> {
    text: &'a str,
    /// Whether a space precedes it.
    has_space: bool,
}

fn pieces(line: &str) -> impl Iterator<Item = Piece<'_>> {
    line.split(' ').flat_map(|word| {
        let mut breaks: Vec<_> = break_places(word).collect();
        breaks.insert(0, 0);
        breaks.push(word.len());
        let pieces = breaks.windows(2).map(|ends| Piece {
            text: &word[ends[0]..ends[1]],
            has_space: ends[0] == 0,
        });
        pieces.collect::<Vec<_>>()
    })
}

/// Returns the places within a word at which a line may break, by Han and kana.
fn break_places(word: &str) -> impl Iterator<Item = usize> + '_ {
    let next = word.char_indices().skip(1);
    let pairs = word.chars().zip(next);
    pairs
        .filter(|(before, (_, after))| {
            after.width() != Some(0) && plain::may_break(*before, *after)
        })
        .map(|(_, (at, _))| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_at_spaces_and_between_characters() {
        assert_eq!(wrap("one two three four", 9), "one two\nthree\nfour");
        assert_eq!(wrap("unbreakable word", 5), "unbreakable\nword");
        assert_eq!(wrap("今日は夜の間に。", 8), "今日は夜\nの間に。");
        assert_eq!(wrap("", 8), "");
    }

    proptest! {
        #[test]
        fn nothing_but_line_ends_changes(line in "[a-z]{1,9}( [a-z]{1,9}){0,30}", width in 20..60_usize) {
            let wrapped = wrap(&line, width);
            prop_assert!(wrapped.lines().all(|line| line.width() <= width));
            prop_assert_eq!(wrapped.replace('\n', " "), line);
        }
    }
}
