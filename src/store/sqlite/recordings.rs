//! Recordings found by a scan or `add`, and the jobs created for them.

use crate::domain::{JobId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::row;
use sqlx::Row;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Recommended batch size for [`Store::unknown_of`] and [`Store::record`].
///
/// It is the number of rows that one statement reads.
pub const BATCH_SIZE: usize = 4096;

/// Location of the audio of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A URL that the service fetches itself.
    Url(String),
}

impl Location {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Url(_) => "url",
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::File(path) => row::path_bytes(path),
            Self::Url(url) => url.as_bytes(),
        }
    }

    pub(crate) fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, StoreError> {
        match row.try_get::<&str, _>("kind")? {
            "url" => String::from_utf8(row.try_get("location")?)
                .map(Self::Url)
                .map_err(|_| StoreError::Content { column: "location" }),
            _ => Ok(Self::File(row::path(row, "location")?)),
        }
    }
}

/// A recording found by a scan or `add`.
#[derive(Debug, Clone)]
pub struct FoundRecording {
    /// Location of the audio.
    pub location: Location,
    /// Path relative to the source, or the name suggested by the URL.
    pub relative: PathBuf,
    /// Size in bytes; 0 for a URL.
    pub size_bytes: u64,
    /// Modification time; the epoch for a URL.
    pub modified: Timestamp,
}

/// Outcome of storing a batch of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordOutcome {
    /// Number of new recordings.
    pub new: u64,
    /// Number of changed recordings. Their next transcript replaces the last one.
    pub changed: u64,
    /// Number of known, unchanged recordings.
    pub known: u64,
    /// Job of the last recording in the batch.
    pub last_job: Option<JobId>,
}

/// Function that returns the possible base names of the transcripts of a file, best first. It never runs out.
pub type BaseNames = fn(&OsStr) -> Box<dyn Iterator<Item = OsString> + Send>;
