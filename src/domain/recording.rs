//! A recording: where its audio is, and which revision of it was seen.

use super::readable_path::{path_bytes, readable_path};
use super::time::Timestamp;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Location of the audio of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A URL that the service fetches itself.
    Url(String),
}

impl Location {
    /// Returns the path as [`readable_path`], or the URL.
    #[must_use]
    pub fn readable(&self) -> String {
        match self {
            Self::File(path) => readable_path(path),
            Self::Url(url) => url.clone(),
        }
    }

    /// Returns the path in percent form if it is not UTF-8, as [`path_bytes`]. Otherwise [`readable`](Self::readable) is exact.
    #[must_use]
    pub fn path_bytes(&self) -> Option<String> {
        match self {
            Self::File(path) => path_bytes(path),
            Self::Url(_) => None,
        }
    }

    /// Returns the path or URL as an argument of a program.
    #[must_use]
    pub fn into_argument(self) -> OsString {
        match self {
            Self::File(path) => path.into_os_string(),
            Self::Url(url) => url.into(),
        }
    }
}

/// Size and modification time of a file. A file that has another revision has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// Size in bytes; 0 for a URL.
    pub size_bytes: u64,
    /// Modification time; the epoch for a URL.
    pub modified: Timestamp,
}

/// A recording of a source, as of the last scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Name of the source.
    pub source: Arc<str>,
    /// Location of the audio.
    pub location: Location,
    /// Path relative to the source, or the name suggested by the URL.
    pub relative: PathBuf,
    /// Revision of the file.
    pub revision: Revision,
}
