//! Foreign text as one line of a message.

use super::control_chars::is_control_char;

/// Maximum length of a message, in characters.
pub const MAX_MESSAGE_CHARS: usize = 300;

/// Returns the text as one line of bounded length, with control characters replaced by spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|char| if is_control_char(char) { ' ' } else { char })
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_truncated() {
        let cut = one_line(&"wörd ".repeat(1000));
        assert_eq!(cut.chars().count(), MAX_MESSAGE_CHARS);
        assert!(cut.ends_with('…'));
    }
}
