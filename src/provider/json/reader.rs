//! Values, objects and arrays, read one after another.

use super::flat;
use super::scalar::{Scalar, is_word_byte};
use super::string::decode;
use smol_str::{SmolStr, SmolStrBuilder};
use std::borrow::Cow;
use std::io::{self, Read};

/// Size of the buffer, in bytes.
const BUFFER_BYTES: usize = 16 * 1024;

/// Kind of the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string.
    String,
    /// A number, `true`, `false`, `null` or any other word without quotes.
    Word,
    /// No value: the end of the document, or a byte that begins none.
    Nothing,
}

/// How the document ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The document is complete.
    Complete,
    /// The bytes ended within the document.
    Truncated,
    /// A byte was found where JSON allows none. The rest of the document was not read.
    Damaged,
}

/// A reader of one document, positioned before a value.
///
/// Each value is read by exactly one call. After the end of a truncated or damaged document, every call returns nothing.
/// [`ending`](Self::ending) tells them apart.
pub struct JsonReader<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    at: usize,
    /// Offset of the buffer in the document.
    before: u64,
    /// Whether the value that the reader is positioned before is still unread.
    is_unread: bool,
    ending: Ending,
    error: Option<io::Error>,
}

impl<'a> JsonReader<'a> {
    /// Starts to read a document. A byte order mark before it is skipped.
    pub fn new(input: impl Read + 'a) -> Self {
        let mut reader = Self {
            input: Box::new(input),
            buffer: Vec::new(),
            at: 0,
            before: 0,
            is_unread: true,
            ending: Ending::Complete,
            error: None,
        };
        reader.fill();
        if reader.buffer.starts_with(b"\xef\xbb\xbf") {
            reader.at = 3;
        }
        reader
    }

    /// Returns the kind of the next value without reading it.
    pub fn kind(&mut self) -> Kind {
        match self.peek_token() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(byte) if is_word_byte(byte) => Kind::Word,
            _ => Kind::Nothing,
        }
    }

    /// Returns the offset of the next value, in bytes from the start of the document.
    pub fn offset(&mut self) -> u64 {
        self.peek_token();
        self.position()
    }

    /// Returns the offset of the next byte, in bytes from the start of the document.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    /// Returns how the document has ended so far.
    ///
    /// # Errors
    /// If the stream failed.
    pub fn ending(self) -> io::Result<Ending> {
        self.error.map_or(Ok(self.ending), Err)
    }

    /// Reads an object, and passes the name of each field to `field`, which may read its value. Any other value is
    /// skipped.
    pub fn object(&mut self, mut field: impl FnMut(&mut Self, &str)) {
        if self.kind() != Kind::Object {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.peek_token() {
                Some(b',') => self.at += 1,
                Some(b'}') => break self.at += 1,
                Some(b'"') => {
                    let name: SmolStr = self.string(|name| name.into());
                    if self.peek_token() != Some(b':') {
                        break self.damaged();
                    }
                    self.at += 1;
                    self.member(|json| field(json, &name));
                }
                _ => break self.damaged(),
            }
        }
        self.is_unread = false;
    }

    /// Reads an array, and calls `item` before each of its values, which it may read. Any other value is skipped.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self)) {
        if self.kind() != Kind::Array {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.peek_token() {
                Some(b',') => self.at += 1,
                Some(b']') => break self.at += 1,
                Some(byte) if byte != b'}' && byte != b':' => self.member(&mut item),
                _ => break self.damaged(),
            }
        }
        self.is_unread = false;
    }

    /// Calls `read` before a value, and skips the value if `read` does not read it.
    fn member(&mut self, read: impl FnOnce(&mut Self)) {
        self.is_unread = true;
        read(self);
        if self.is_unread {
            self.skip();
        }
    }

    /// Reads a string. Any other value is skipped.
    pub fn text(&mut self) -> Option<String> {
        match self.kind() {
            Kind::String => Some(self.string(|text| text.into_owned())),
            _ => {
                self.skip();
                None
            }
        }
    }

    /// Reads a finite number, also from a string. Any other value is skipped.
    pub fn number(&mut self) -> Option<f64> {
        self.value(|value| value.number())
    }

    /// Reads a string or a number as text. Any other value is skipped, also `true`, `null` and `NaN`.
    pub fn scalar(&mut self) -> Option<SmolStr> {
        self.value(|value| value.label())
    }

    /// Reads a value and passes it to `read`. An object or array is skipped.
    pub fn value<T>(&mut self, read: impl FnOnce(Scalar<'_>) -> T) -> T {
        match self.kind() {
            Kind::String => self.string(|text| read(Scalar::Text(&text))),
            Kind::Word => self.word(|word| read(Scalar::Word(word))),
            _ => {
                self.skip();
                read(Scalar::Other)
            }
        }
    }

    /// Reads an object of strings and words, and passes its fields to `field`. Returns `false` for anything else, and for an object
    /// that is not in the buffer as a whole. It is still unread then, but fields may have been passed.
    pub fn flat_object(&mut self, field: impl FnMut(&str, Scalar<'_>)) -> bool {
        if self.kind() != Kind::Object {
            return false;
        }
        let Some(length) = flat::read(&self.buffer[self.at..], field) else {
            return false;
        };
        self.at += length;
        self.is_unread = false;
        true
    }

    /// Whether the next value is `null`. Reads it only in that case.
    pub fn null(&mut self) -> bool {
        let is_null = self.kind() == Kind::Word && self.starts_with(b"null");
        if is_null {
            self.skip();
        }
        is_null
    }

    /// Skips a value of any depth.
    pub fn skip(&mut self) {
        let mut depth = 0_u64;
        loop {
            match self.peek_token() {
                Some(b'{' | b'[') => {
                    self.at += 1;
                    depth += 1;
                }
                Some(b'}' | b']' | b',' | b':') if depth == 0 => break self.damaged(),
                Some(b'}' | b']') => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b',' | b':') => self.at += 1,
                Some(b'"') => self.each_part(|_| {}),
                Some(byte) if is_word_byte(byte) => self.each_word_byte(|_| {}),
                _ => break self.damaged(),
            }
            if depth == 0 {
                break;
            }
        }
        self.is_unread = false;
    }

    /// Reads a string whose opening quote is the next byte, and passes it to `read`.
    pub(super) fn string<T>(&mut self, read: impl FnOnce(Cow<'_, str>) -> T) -> T {
        let rest = &self.buffer[self.at + 1..];
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        // Most strings are short and in the buffer as a whole. They are not copied.
        if let Some(end) = end.filter(|end| rest[*end] == b'"') {
            let value = read(String::from_utf8_lossy(&rest[..end]));
            self.at += end + 2;
            self.is_unread = false;
            return value;
        }
        let mut raw = Vec::new();
        self.each_part(|part| raw.extend_from_slice(part));
        read(decode(&raw))
    }

    /// Reads a string, and passes on the bytes between its quotes, in parts.
    fn each_part(&mut self, mut part: impl FnMut(&[u8])) {
        self.at += 1;
        let mut is_escaped = false;
        loop {
            if self.at == self.buffer.len() && !self.fill() {
                break self.truncated();
            }
            let bytes = &self.buffer[self.at..];
            let end = bytes.iter().position(|byte| {
                let is_end = *byte == b'"' && !is_escaped;
                is_escaped = *byte == b'\\' && !is_escaped;
                is_end
            });
            part(&bytes[..end.unwrap_or(bytes.len())]);
            match end {
                Some(end) => break self.at += end + 1,
                None => self.at = self.buffer.len(),
            }
        }
        self.is_unread = false;
    }

    /// Reads a number or another word without quotes, and passes it to `read`.
    pub(super) fn word<T>(&mut self, read: impl FnOnce(&str) -> T) -> T {
        let rest = &self.buffer[self.at..];
        // Most words are in the buffer as a whole. They are not copied.
        if let Some(end) = rest.iter().position(|byte| !is_word_byte(*byte)) {
            let value = read(str::from_utf8(&rest[..end]).unwrap_or_default());
            self.at += end;
            self.is_unread = false;
            return value;
        }
        let mut word = SmolStrBuilder::new();
        self.each_word_byte(|byte| word.push(char::from(byte)));
        read(&word.finish())
    }

    fn each_word_byte(&mut self, mut take: impl FnMut(u8)) {
        while let Some(byte) = self.peek().filter(|byte| is_word_byte(*byte)) {
            take(byte);
            self.at += 1;
        }
        self.is_unread = false;
    }

    fn starts_with(&mut self, word: &[u8]) -> bool {
        // A word may continue in the next part of the stream.
        while self.buffer.len() - self.at < word.len() && self.extend() {}
        self.buffer[self.at..].starts_with(word)
    }

    /// Returns the next byte that is not white space, without reading it.
    fn peek_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn peek(&mut self) -> Option<u8> {
        if self.at == self.buffer.len() && !self.fill() {
            return None;
        }
        Some(self.buffer[self.at])
    }

    /// Replaces the buffer, which was read, by the next part of the stream. Returns `false` at the end.
    fn fill(&mut self) -> bool {
        self.before += self.at as u64;
        self.at = 0;
        self.buffer.clear();
        self.extend()
    }

    /// Adds the next part of the stream to the buffer. Returns `false` at the end.
    fn extend(&mut self) -> bool {
        if self.ending != Ending::Complete || self.error.is_some() {
            return false;
        }
        let part = self.input.by_ref().take(BUFFER_BYTES as u64);
        let mut part = part;
        match part.read_to_end(&mut self.buffer) {
            Ok(bytes) => bytes > 0,
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }

    fn damaged(&mut self) {
        let ending = match self.peek() {
            Some(_) => Ending::Damaged,
            None => Ending::Truncated,
        };
        self.end(ending);
    }

    fn truncated(&mut self) {
        self.end(Ending::Truncated);
    }

    /// Ends the document here. Everything after it is discarded.
    fn end(&mut self, ending: Ending) {
        if self.ending == Ending::Complete {
            self.ending = ending;
        }
        self.before += self.at as u64;
        self.at = 0;
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::json::copy::tests::copied;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn a_value_that_is_not_read_is_skipped() {
        let mut json = JsonReader::new(&br#"{"a": [1, {"b": 2}], "c": "x", "d": null} rest"#[..]);
        let mut read = Vec::new();
        json.object(|json, name| {
            if name == "c" {
                read.extend(json.text());
            } else if name == "d" {
                assert!(json.null());
            }
        });
        assert_eq!(read, ["x"]);
        assert_eq!(json.position(), 41);
        assert_eq!(json.ending().unwrap(), Ending::Complete);
    }

    #[test]
    fn truncated_and_damaged_documents_are_told_apart() {
        for json in ["", "{", r#"{"a"#, r#"{"a":"#, "[1,", "[[1]", r#"["a\"#] {
            assert_eq!(copied(json.as_bytes()).1, Ending::Truncated, "{json}");
        }
        for json in ["<", "{1}", r#"{"a" 1}"#, "[<", "[}", ":"] {
            assert_eq!(copied(json.as_bytes()).1, Ending::Damaged, "{json}");
        }
    }

    #[test]
    fn numbers_and_scalars_are_read_from_strings() {
        let read = |text: &str| JsonReader::new(text.as_bytes()).number();
        assert_eq!((read("1.5"), read("\" -2 \"")), (Some(1.5), Some(-2.0)));
        assert_eq!(
            (read("NaN"), read("\"inf\""), read("[1]")),
            (None, None, None)
        );
        let scalar = |text: &str| JsonReader::new(text.as_bytes()).scalar();
        assert_eq!(scalar("12").as_deref(), Some("12"));
        assert_eq!(scalar("\"x\"").as_deref(), Some("x"));
        assert_eq!(
            (scalar("true"), scalar("null"), scalar("{}")),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_copied_as_json(json: Vec<u8>, text in r#"([\[\]{}:,"\\ nul0-9.]|"a"){0,40}"#) {
            for json in [&json[..], text.as_bytes()] {
                let (copy, _) = copied(json);
                prop_assert!(serde_json::from_str::<Value>(&copy).is_ok(), "{}", copy);
            }
        }

        #[test]
        fn parts_of_a_stream_may_end_anywhere(text: String, at in 0usize..100) {
            let json = serde_json::json!({"text": text, "list": [null, 1.5, {"a": text}]}).to_string();
            let at = at.min(json.len());
            let (first, second) = json.as_bytes().split_at(at);
            let mut copy = Vec::new();
            JsonReader::new(first.chain(second)).copy(&mut copy).unwrap();
            prop_assert_eq!(String::from_utf8(copy).unwrap(), json);
        }
    }
}
