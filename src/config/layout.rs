//! Location of transcripts.

use std::str::FromStr;

/// Location of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In `<dir>/<source>/<folder in the source>`.
    Mirror,
    /// Next to the recording.
    Beside,
    /// In `<dir>/<folder in the source>`. Only `transcribe` uses it.
    Flat,
}

/// Error of parsing a [`Layout`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"mirror\" or \"beside\", found \"{0}\"")]
pub struct UnknownLayout(String);

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(text: &str) -> Result<Self, UnknownLayout> {
        match text {
            "mirror" => Ok(Self::Mirror),
            "beside" => Ok(Self::Beside),
            other => Err(UnknownLayout(other.to_owned())),
        }
    }
}
