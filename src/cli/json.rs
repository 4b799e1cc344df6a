//! JSON output.

use super::exit::CommandError;
use super::terminal::escape_json;
use serde::Serialize;

/// Serializes a value to one line of JSON that is safe to print on a terminal.
///
/// Control characters are escaped, which does not change the meaning of the JSON.
pub(super) fn to_json_line(value: &impl Serialize) -> Result<String, CommandError> {
    let text = serde_json::to_string(value)
        .map_err(|error| CommandError::internal("cannot serialize JSON", &error))?;
    Ok(escape_json(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_control_characters_and_the_same_meaning() {
        let hostile = "a\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{2028} ä🎙";
        let text = to_json_line(&hostile).unwrap();
        assert_eq!(text, "\"a\\u001b[2J\\u009b2J\\u007f\\u202e\\u2028 ä🎙\"");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
