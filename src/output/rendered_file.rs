//! The content of a file before it is written.

use crate::output::target::{Content, ContentHasher};
use crate::provider::ResultJson;
use std::io::{self, Write};
use std::sync::OnceLock;

/// The content of a file. A result of the service may have many megabytes, so it is read only while the file is written.
#[derive(Debug, Clone)]
pub struct RenderedFile {
    head: Vec<u8>,
    /// The result of the service, and what follows it.
    result: Option<(ResultJson, &'static str)>,
    /// Size and hash of the content, once they were asked for.
    content: OnceLock<Content>,
}

impl RenderedFile {
    /// Returns a file of a result between two texts.
    #[must_use]
    pub fn around(head: String, result: ResultJson, tail: &'static str) -> Self {
        Self {
            head: head.into_bytes(),
            result: Some((result, tail)),
            content: OnceLock::new(),
        }
    }

    /// Writes the content to `out`.
    ///
    /// # Errors
    /// If `out` cannot be written, or the compressed bytes of the result are damaged.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        if let Some((result, tail)) = &self.result {
            result.write_to(out)?;
            out.write_all(tail.as_bytes())?;
        }
        Ok(())
    }

    /// Returns the size and hash of the content, which are computed once.
    ///
    /// # Errors
    /// If the compressed bytes of the result are damaged.
    pub fn content(&self) -> io::Result<Content> {
        if let Some(content) = self.content.get() {
            return Ok(*content);
        }
        let mut hasher = ContentHasher::default();
        self.write_to(&mut hasher)?;
        Ok(*self.content.get_or_init(|| hasher.finish()))
    }

    /// Returns the content as bytes.
    ///
    /// # Errors
    /// If the compressed bytes of the result are damaged.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }
}

impl<T: Into<Vec<u8>>> From<T> for RenderedFile {
    fn from(content: T) -> Self {
        Self {
            head: content.into(),
            result: None,
            content: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Completed;

    #[test]
    fn the_content_is_that_of_the_bytes() {
        let answer = format!(r#"{{"text":"{}"}}"#, "word ".repeat(100_000));
        let completed = Completed::from_body(answer.clone().into_bytes()).unwrap();
        let result = completed.result_json().unwrap();
        let whole = format!("head{answer}tail");
        let files = [
            RenderedFile::from(whole.clone()),
            RenderedFile::around("head".to_owned(), result, "tail"),
        ];
        for file in files {
            assert_eq!(file.to_bytes().unwrap(), whole.as_bytes());
            for _first_or_again in 0..2 {
                assert_eq!(file.content().unwrap(), Content::of(whole.as_bytes()));
            }
        }
    }
}
