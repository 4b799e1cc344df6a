//! Form of the names of transcripts.

use std::str::FromStr;

/// Form of the names of transcripts and their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As the recording. Only a name that the file system refuses is changed.
    Original,
    /// In a form that every common file system takes.
    Portable,
}

/// Error of parsing [`Names`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"original\" or \"portable\", found \"{0}\"")]
pub struct UnknownNames(String);

impl FromStr for Names {
    type Err = UnknownNames;

    fn from_str(text: &str) -> Result<Self, UnknownNames> {
        match text {
            "original" => Ok(Self::Original),
            "portable" => Ok(Self::Portable),
            other => Err(UnknownNames(other.to_owned())),
        }
    }
}
