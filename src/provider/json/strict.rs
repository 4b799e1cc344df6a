//! Check of whether strict parsers accept a document.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{self, BufReader, Read};

/// Size in bytes up to which a value is read before it is parsed. Parsing from memory is faster.
const SMALL_BYTES: u64 = 64 * 1024;

/// Whether a strict parser accepts what is read as one JSON value. Only a small value is kept in memory.
///
/// # Errors
/// If reading fails.
pub(crate) fn is_strict(mut input: impl Read) -> io::Result<bool> {
    let mut start = Vec::new();
    let small = input.by_ref().take(SMALL_BYTES).read_to_end(&mut start)?;
    let parsed = match (small as u64) < SMALL_BYTES {
        true => serde_json::from_slice::<Checked>(&start),
        false => serde_json::from_reader(BufReader::new(start.as_slice().chain(input))),
    };
    match parsed {
        Err(error) if error.is_io() => Err(error.into()),
        parsed => Ok(parsed.is_ok()),
    }
}

/// A value that was parsed and dropped.
///
/// Unlike `IgnoredAny`, it checks numbers, escapes and the depth.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CheckedVisitor)
    }
}

struct CheckedVisitor;

impl<'de> Visitor<'de> for CheckedVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_unit<E: Error>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Checked, A::Error> {
        while items.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Checked, A::Error> {
        while fields.next_entry::<Checked, Checked>()?.is_some() {}
        Ok(Checked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the same value after so much space that it is not small.
    fn large(text: &str) -> String {
        " ".repeat(SMALL_BYTES as usize) + text
    }

    #[test]
    fn only_what_strict_parsers_accept_is_strict() {
        for text in ["null", r#" {"a": [1, -2.5e3, "\ud83d\ude00", {}]} "#] {
            assert!(is_strict(text.as_bytes()).unwrap(), "{text}");
            assert!(is_strict(large(text).as_bytes()).unwrap(), "{text}");
        }
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        for text in [
            "",
            "{} x",
            "NaN",
            r#""\ud800""#,
            "[1,]",
            "1e999",
            "\"\n\"",
            &deep,
        ] {
            assert!(!is_strict(text.as_bytes()).unwrap(), "{text}");
            assert!(!is_strict(large(text).as_bytes()).unwrap(), "{text}");
        }
    }
}
