//! Which characters are orders and no text: a terminal, an editor or a player would obey them instead of showing them.

/// Whether a character is a control character, parts lines or paragraphs, or turns the writing direction. The marks
/// that only stand between letters of two directions (U+200E, U+200F, U+061C) are text: Hebrew and Arabic need them.
#[must_use]
pub fn is_obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from outside on one line, with an escape for each character that is an order.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|char| {
            let escaped = is_obeyed(char).then(|| char.escape_default());
            let plain = escaped.is_none().then_some(char);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_from_text() {
        for order in [
            '\0', '\t', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{2029}',
            '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}',
        ] {
            assert!(is_obeyed(order), "{order:?}");
        }
        for text in [
            'a', ' ', '\u{a0}', 'ä', '名', 'א', '\u{200d}', '\u{200e}', '\u{200f}', '🎙',
        ] {
            assert!(!is_obeyed(text), "{text:?}");
        }
    }
}
