//! Strings: escapes, and bytes that are not UTF-8.

use std::borrow::Cow;

/// Decodes the bytes between the quotes of a string.
///
/// A lone surrogate and an invalid byte become U+FFFD. An unknown escape stands for the character after the backslash.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        text.push_str(&String::from_utf8_lossy(&rest[..at]));
        let (char, length) = escape(&rest[at + 1..]);
        text.extend(char);
        rest = &rest[at + 1 + length..];
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text.into()
}

/// Returns the character of an escape and its length, both without the backslash.
fn escape(rest: &[u8]) -> (Option<char>, usize) {
    let simple = |char| (Some(char), 1);
    match rest.first() {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => match code_unit(&rest[1..]) {
            Some(first) => surrogates(first, &rest[5..]),
            None => (Some(char::REPLACEMENT_CHARACTER), 1),
        },
        Some(byte) if byte.is_ascii() => simple(char::from(*byte)),
        // The backslash before other bytes is dropped.
        _ => (None, 0),
    }
}

/// Returns the character that begins with the code unit `first`. `rest` follows its digits.
fn surrogates(first: u16, rest: &[u8]) -> (Option<char>, usize) {
    let second = rest.strip_prefix(b"\\u").and_then(code_unit);
    let pair = [first, second.unwrap_or_default()];
    match char::decode_utf16(pair).next() {
        Some(Ok(char)) => (Some(char), if char.len_utf16() == 2 { 11 } else { 5 }),
        _ => (Some(char::REPLACEMENT_CHARACTER), 5),
    }
}

fn code_unit(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_escapes_are_read() {
        for (raw, text) in [
            (r"a\u00e9\n\/\\", "aé\n/\\"),
            (r"\ud83d\ude00!", "😀!"),
            (r"a\ud800b", "a\u{fffd}b"),
            (r"\udc00\ud800\u0041", "\u{fffd}\u{fffd}A"),
            (r"\u12", "\u{fffd}12"),
            (r"\u+123", "\u{fffd}+123"),
            (r"\q", "q"),
            ("\\é", "é"),
            ("\\", ""),
        ] {
            assert_eq!(decode(raw.as_bytes()), text, "{raw}");
        }
        assert_eq!(decode(b"a\xffb\\n"), "a\u{fffd}b\n");
    }

    proptest! {
        #[test]
        fn valid_strings_are_read_as_by_a_strict_parser(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(decode(&json.as_bytes()[1..json.len() - 1]), text);
        }

        #[test]
        fn arbitrary_bytes_never_panic(raw: Vec<u8>, escapes in r#"(\\|u|[0-9a-dD]|é){0,30}"#) {
            decode(&raw);
            decode(escapes.as_bytes());
        }
    }
}
