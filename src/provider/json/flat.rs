//! Objects of strings and words, as the words of a transcript are, read without a copy.
//!
//! Most of an answer consists of them.

use super::scalar::{Scalar, is_word_byte};

/// Reads the object at the start of `bytes`, and passes on the names and values of its fields. Returns its length.
///
/// Returns `None` for anything else: if the object goes on after `bytes`, has an object or array in it, an escape, a byte that is not
/// UTF-8, or an error. Fields may have been passed on then.
pub(super) fn read(bytes: &[u8], mut field: impl FnMut(&str, Scalar<'_>)) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"{")?;
    loop {
        rest = rest.trim_ascii_start();
        match rest.first()? {
            b',' => rest = &rest[1..],
            b'}' => return Some(bytes.len() - rest.len() + 1),
            b'"' => {
                let (name, after) = text(rest)?;
                let after = after.trim_ascii_start().strip_prefix(b":")?;
                let (value, after) = value(after.trim_ascii_start())?;
                field(name, value);
                rest = after;
            }
            _ => return None,
        }
    }
}

/// Splits off the value at the start of `bytes`.
fn value(bytes: &[u8]) -> Option<(Scalar<'_>, &[u8])> {
    if *bytes.first()? == b'"' {
        let (text, after) = text(bytes)?;
        return Some((Scalar::Text(text), after));
    }
    let end = bytes.iter().position(|byte| !is_word_byte(*byte))?;
    let (word, after) = bytes.split_at(end);
    (end > 0).then_some((Scalar::Word(str::from_utf8(word).ok()?), after))
}

/// Splits off the string at the start of `bytes`, whose first byte is its quote.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let inside = &bytes[1..];
    let end = inside
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\'))?;
    if inside[end] != b'"' {
        return None;
    }
    let text = str::from_utf8(&inside[..end]).ok()?;
    Some((text, &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::json::reader::JsonReader;
    use proptest::prelude::*;

    type Fields = Vec<(String, String)>;

    fn flat(json: &str) -> Option<(Fields, usize)> {
        let mut fields = Vec::new();
        let length = read(json.as_bytes(), |name, value| {
            fields.push((name.to_owned(), format!("{value:?}")));
        })?;
        Some((fields, length))
    }

    fn general(json: &str) -> (Fields, usize) {
        let mut fields = Vec::new();
        let mut reader = JsonReader::new(json.as_bytes());
        reader.object(|json, name| {
            let value = json.value(|value| format!("{value:?}"));
            fields.push((name.to_owned(), value));
        });
        (fields, reader.position() as usize)
    }

    #[test]
    fn objects_of_strings_and_words_are_flat() {
        let word = r#"{"word": "é", "start":1.5 ,"end" : -2e3, "speaker": null}"#;
        assert_eq!(flat(word), Some(general(word)));
        assert_eq!(flat("{ } x"), Some((vec![], 3)));
        for json in [
            "",
            "[]",
            "{",
            r#"{"a": 1"#,
            r#"{"a": "b"#,
            r#"{"a": "\n"}"#,
            r#"{"a": {}}"#,
            r#"{"a": [1]}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            "{1}",
        ] {
            assert_eq!(flat(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn flat_objects_are_read_alike(json in r#"\{("[a-z\\é]{0,3}"|"[a-z]" ?: ?|[0-9.]{1,3}|null|[:,"\[{} ]){0,12}\}?"#) {
            if let Some(found) = flat(&json) {
                prop_assert_eq!(found, general(&json));
            }
        }
    }
}
