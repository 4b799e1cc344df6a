//! Text without anything that a terminal, an editor or a player would obey.

/// One line: control characters and white space become single spaces, marks that turn the writing direction go.
pub(super) fn line(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|char| !turns_direction(*char))
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn turns_direction(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Joins words with spaces, except where the script has none between them.
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
    match (before.chars().next_back(), after.chars().next()) {
        (Some(before), Some(after)) => !(is_unspaced(before) && is_unspaced(after)),
        _ => false,
    }
}

/// Characters of scripts that are written without spaces: Han, kana, Thai, Lao, Khmer, Burmese, and their punctuation.
const fn is_unspaced(char: char) -> bool {
    matches!(
        char,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3000}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_obeyed_is_left() {
        assert_eq!(
            line(" a\u{1b}[31m\r\nb\u{9b}c\u{202e}d\t e\0"),
            "a [31m b cd e"
        );
    }

    #[test]
    fn scripts_without_spaces_get_none() {
        assert_eq!(
            join(["今日", "は", "good", "day", "。"]),
            "今日は good day 。"
        );
        assert_eq!(join(["a", "", "b"]), "a b");
    }
}
