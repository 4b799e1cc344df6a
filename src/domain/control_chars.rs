//! Control characters: characters that a terminal, an editor or a player interprets instead of showing them.

/// Returns whether a character is a control character, a line or paragraph separator, or a directional embedding,
/// override or isolate.
///
/// The implicit directional marks (U+200E, U+200F, U+061C) count as text, because Hebrew and Arabic need them.
#[must_use]
pub fn is_control_char(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns untrusted text on one line, with every control character escaped.
#[must_use]
pub fn escape_control_chars(text: &str) -> String {
    text.chars()
        .flat_map(|char| {
            let escaped = is_control_char(char).then(|| char.escape_default());
            let plain = escaped.is_none().then_some(char);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_distinguished_from_text() {
        for control in [
            '\0', '\t', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{2029}',
            '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}',
        ] {
            assert!(is_control_char(control), "{control:?}");
        }
        for text in [
            'a', ' ', '\u{a0}', 'ä', '名', 'א', '\u{200d}', '\u{200e}', '\u{200f}', '🎙',
        ] {
            assert!(!is_control_char(text), "{text:?}");
        }
    }
}
