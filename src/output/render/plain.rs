//! Text without control characters and escape sequences.

use crate::domain::is_control_char;
use crate::domain::script::{is_east_asian, is_unspaced};
use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// Converts text to one printable line.
///
/// Removes escape sequences, control characters and marks that change the writing direction. Collapses white space to
/// single spaces.
pub(super) fn printable_line(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean(text))
    }
}

fn clean(text: &str) -> String {
    let visible: String = strip_escapes(text)
        .chars()
        .filter(|char| char.is_whitespace() || !is_control_char(*char))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the text needs no cleaning. Most words and lines need none.
fn is_plain(text: &str) -> bool {
    if is_plain_word(text) {
        return true;
    }
    let mut before = ' ';
    let is_kept = |char: char| match std::mem::replace(&mut before, char) {
        ' ' if char == ' ' => false,
        _ => char == ' ' || !char.is_whitespace() && !is_control_char(char),
    };
    text.chars().all(is_kept) && before != ' '
}

/// Whether the text consists of visible ASCII characters, as most words do. Such a word is shown as it is, and is as wide as it is
/// long.
pub(super) fn is_plain_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Removes terminal control sequences (ECMA-48: ESC `[` or U+009B, parameters, a final byte).
fn strip_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\u{1b}', '\u{9b}']) {
        kept.push_str(&rest[..at]);
        let sequence = &rest[at..];
        rest = sequence
            .strip_prefix("\u{1b}[")
            .or_else(|| sequence.strip_prefix('\u{9b}'))
            .map_or_else(|| &sequence[1..], skip_parameters);
    }
    kept + rest
}

fn skip_parameters(text: &str) -> &str {
    let text = text.trim_start_matches(|char| matches!(char, ' '..='?'));
    text.strip_prefix(|char| matches!(char, '@'..='~'))
        .unwrap_or(text)
}

/// Joins words with spaces, except in scripts that are written without spaces.
pub(super) fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        if needs_space(&text, word) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Whether a space belongs between two words.
pub(super) fn needs_space(before: &str, after: &str) -> bool {
    // No ASCII character belongs to a script without spaces.
    match (before.as_bytes().last(), after.as_bytes().first()) {
        (Some(before), Some(after)) if before.is_ascii() || after.is_ascii() => return true,
        _ => {}
    }
    match (before.chars().next_back(), after.chars().next()) {
        (Some(before), Some(after)) => !(is_unspaced(before) && is_unspaced(after)),
        _ => false,
    }
}

/// Whether the text contains a character of a script that is written without spaces.
pub(super) fn has_unspaced_script(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_unspaced)
}

/// Removes the spaces between characters of scripts that are written without, if most of them are separated. They then
/// separate the words of the model. A rare space belongs to the text.
pub(super) fn without_noise_spaces(line: Cow<'_, str>) -> Cow<'_, str> {
    if !has_unspaced_script(&line) {
        return line;
    }
    let chars: Vec<_> = line.chars().collect();
    let is_joined = |&[a, b]: &[char; 2]| is_unspaced(a) && is_unspaced(b);
    let is_separated =
        |&[a, space, b]: &[char; 3]| space == ' ' && is_unspaced(a) && is_unspaced(b);
    let joined = chars.array_windows().filter(|pair| is_joined(pair)).count();
    let separated = chars.array_windows().filter(|three| is_separated(three));
    if separated.count() <= joined {
        return line;
    }
    let is_noise = |at: usize| {
        let around = at.checked_sub(1).and_then(|from| chars.get(from..at + 2));
        matches!(around, Some(&[a, space, b]) if is_separated(&[a, space, b]))
    };
    let kept = chars.iter().enumerate().filter(|(at, _)| !is_noise(*at));
    kept.map(|(_, char)| *char).collect()
}

/// Whether a line may break between two characters.
///
/// A line may break between any two characters of Han or kana, but not after an opening bracket and not before closing
/// punctuation.
pub(super) const fn may_break(before: char, after: char) -> bool {
    is_east_asian(before) && is_east_asian(after) && !is_opening(before) && !is_closing(after)
}

/// Whether a line may break between two words that no space separates. This is possible in scripts without spaces.
pub(super) fn may_break_unspaced(before: char, after: char) -> bool {
    (is_unspaced(before) || is_unspaced(after))
        && !is_opening(before)
        && !is_closing(after)
        && !is_leading_vowel(before)
        && !is_dependent(after)
}

/// Whether the character is a vowel of Thai or Lao that is written before its consonant.
const fn is_leading_vowel(char: char) -> bool {
    matches!(char, '\u{0e40}'..='\u{0e44}' | '\u{0ec0}'..='\u{0ec4}')
}

/// Whether the character belongs to the one before it: a combining mark, or a vowel or mark that follows its consonant.
fn is_dependent(char: char) -> bool {
    let follows = matches!(
        char,
        '\u{0e2f}'..='\u{0e3a}' | '\u{0e45}'..='\u{0e4e}' | '\u{0eaf}'..='\u{0ebc}' | '\u{0ec6}'..='\u{0ece}'
            | '\u{102b}'..='\u{103e}' | '\u{17b4}'..='\u{17d3}'
    );
    follows || char.width() == Some(0)
}

/// Whether the character is East Asian punctuation that never begins a line.
const fn is_closing(char: char) -> bool {
    matches!(
        char,
        '、' | '。'
            | '」'
            | '』'
            | '】'
            | '〉'
            | '》'
            | '）'
            | '，'
            | '！'
            | '？'
            | '：'
            | '；'
            | 'ー'
    )
}

/// Whether the character is East Asian punctuation that never ends a line.
const fn is_opening(char: char) -> bool {
    matches!(char, '「' | '『' | '【' | '〈' | '《' | '（')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_sequences_are_removed() {
        assert_eq!(
            printable_line(" a\u{1b}[31m\r\nb\u{9b}1;2Hc\u{202e}d\t e\0f\u{85}g"),
            "a bcd ef g"
        );
        assert_eq!(printable_line("\u{1b}\u{1b}[\u{1b}]0;x\u{7}"), "]0;x");
        assert_eq!(printable_line("\u{1b}[38;5;1"), "");
        assert_eq!(printable_line("\u{1b}[31é"), "é");
    }

    #[test]
    fn scripts_without_spaces_are_joined_directly() {
        assert_eq!(
            join(["今日", "は", "good", "day", "。"]),
            "今日は good day 。"
        );
        assert_eq!(join(["a", "", "b"]), "a b");
    }

    #[test]
    fn spaces_between_most_characters_are_removed() {
        assert_eq!(
            without_noise_spaces("今 天 好 GPT 4 。".into()),
            "今天好 GPT 4 。"
        );
        assert_eq!(without_noise_spaces("今日 はい 。".into()), "今日 はい 。");
        assert_eq!(without_noise_spaces("a b".into()), "a b");
    }

    #[test]
    fn lines_break_by_east_asian_rules() {
        assert!(may_break('夜', 'の'));
        assert!(may_break('。', '夜'));
        assert!(!may_break('夜', '。'));
        assert!(!may_break('「', '夜'));
        assert!(!may_break('a', '夜'));
        assert!(may_break_unspaced('า', 'น'));
        assert!(!may_break_unspaced('น', 'ี'));
        assert!(!may_break_unspaced('น', 'า'));
        assert!(!may_break_unspaced('แ', 'ล'));
        assert!(!may_break_unspaced('か', '\u{3099}'));
    }

    proptest! {
        #[test]
        fn the_shortcut_equals_full_cleaning(text in "[ab~é夜 \u{7f}\u{85}\u{a0}\u{202e}]{0,6}") {
            prop_assert_eq!(&*printable_line(&text), clean(&text));
        }

        #[test]
        fn a_line_is_printable_and_trimmed(text in "(\\PC|[\u{0}-\u{9f}\u{2028}-\u{202e}\u{2066}-\u{2069}]|\u{1b}\\[){0,60}") {
            let line = printable_line(&text);
            let has_control = line.chars().any(|char| is_control_char(char) || matches!(char, '\u{2028}' | '\u{2029}'));
            prop_assert!(!has_control);
            prop_assert!(!line.contains("  ") && line.trim() == line);
        }
    }
}
