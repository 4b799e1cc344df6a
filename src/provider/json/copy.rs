//! A copy of a document, corrected as far as strict parsers require it.

use super::reader::{JsonReader, Kind};
use smol_str::SmolStr;
use std::io::{self, Write};

/// Maximum nesting of what [`JsonReader::copy`] writes. Strict parsers accept a little more. A deeper value is written as
/// `null`.
const MAX_COPIED_DEPTH: usize = 100;

impl JsonReader<'_> {
    /// Reads a value and writes it as JSON that strict parsers accept, without white space.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.copy_at(out, 0)
    }

    fn copy_at(&mut self, out: &mut dyn Write, depth: usize) -> io::Result<()> {
        let mut written = Ok(());
        let mut is_first = true;
        match self.kind() {
            Kind::Object | Kind::Array if depth >= MAX_COPIED_DEPTH => {
                self.skip();
                out.write_all(b"null")
            }
            Kind::Object => {
                out.write_all(b"{")?;
                self.object(|json, name| {
                    let mut write = || {
                        separate(out, &mut is_first)?;
                        serde_json::to_writer(&mut *out, name)?;
                        out.write_all(b":")?;
                        json.copy_at(out, depth + 1)
                    };
                    if written.is_ok() {
                        written = write();
                    }
                });
                written?;
                out.write_all(b"}")
            }
            Kind::Array => {
                out.write_all(b"[")?;
                self.array(|json| {
                    let mut write = || {
                        separate(out, &mut is_first)?;
                        json.copy_at(out, depth + 1)
                    };
                    if written.is_ok() {
                        written = write();
                    }
                });
                written?;
                out.write_all(b"]")
            }
            Kind::String => Ok(serde_json::to_writer(
                out,
                &self.string(|text| text.into_owned()),
            )?),
            Kind::Word => {
                let word: SmolStr = self.word(|word| word.into());
                let is_valid = serde_json::from_str::<serde_json::Value>(&word).is_ok();
                out.write_all(if is_valid { word.as_bytes() } else { b"null" })
            }
            Kind::Nothing => {
                self.skip();
                out.write_all(b"null")
            }
        }
    }
}

fn separate(out: &mut dyn Write, is_first: &mut bool) -> io::Result<()> {
    if std::mem::replace(is_first, false) {
        return Ok(());
    }
    out.write_all(b",")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::provider::json::reader::Ending;
    use serde_json::Value;

    /// Returns the corrected copy of a document, and how it ended.
    pub(in crate::provider::json) fn copied(json: &[u8]) -> (String, Ending) {
        let mut reader = JsonReader::new(json);
        let mut copy = Vec::new();
        reader.copy(&mut copy).unwrap();
        (String::from_utf8(copy).unwrap(), reader.ending().unwrap())
    }

    #[test]
    fn documents_are_corrected() {
        for (json, expected) in [
            (
                r#" {"a" : [1, 2.50 ,-3e2], "b":"\u00e9\n"} x"#,
                r#"{"a":[1,2.50,-3e2],"b":"é\n"}"#,
            ),
            (
                "[NaN, -Infinity, nan, None, 01, 1e999, true]",
                "[null,null,null,null,null,null,true]",
            ),
            ("[1 2,,3,]", "[1,2,3]"),
            ("\u{feff}{}", "{}"),
        ] {
            assert_eq!(
                copied(json.as_bytes()),
                (expected.to_owned(), Ending::Complete)
            );
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let (copy, ending) = copied(deep.as_bytes());
        assert!(serde_json::from_str::<Value>(&copy).is_ok());
        assert_eq!(ending, Ending::Complete);
    }
}
