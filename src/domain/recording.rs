//! A recording: where its audio is, and which revision of it was seen.

use super::time::Timestamp;
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
