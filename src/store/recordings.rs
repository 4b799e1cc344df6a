//! What was found, and the jobs made of it.

use super::error::StoreError;
use super::open::Store;
use super::record::Record;
use super::row;
use crate::crash;
use crate::domain::{JobId, Request, Timestamp};
use sqlx::Row;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Recordings that are best compared with the queue, and recorded, at once: as many are read by one statement.
pub const PAGE: usize = 4096;

/// Where the audio of a recording is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A URL that the service fetches itself.
    Url(String),
}

impl Location {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Url(_) => "url",
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::File(path) => row::path_bytes(path),
            Self::Url(url) => url.as_bytes(),
        }
    }

    pub(super) fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Self, StoreError> {
        match row.try_get::<&str, _>("kind")? {
            "url" => String::from_utf8(row.try_get("location")?)
                .map(Self::Url)
                .map_err(|_| StoreError::Content { column: "location" }),
            _ => Ok(Self::File(row::path(row, "location")?)),
        }
    }
}

/// A recording as a scan or `add` saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where it is.
    pub location: Location,
    /// Its path inside the source, or the name a URL suggests.
    pub relative: PathBuf,
    /// Size in bytes; 0 for a URL.
    pub size_bytes: u64,
    /// Time of its last change; the epoch for a URL.
    pub modified: Timestamp,
}

/// What became of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Recordings seen for the first time.
    pub new: u64,
    /// Recordings that are not what they were: their next transcript replaces the last one.
    pub changed: u64,
    /// Recordings that were there already.
    pub known: u64,
    /// The job of the last recording in the batch.
    pub last_job: Option<JobId>,
}

impl Store {
    /// Records what was seen in `source`, each with a queued job for `request` where it is new or has changed. `bases`
    /// gives, for a file name, the names its transcripts may have, best first; the first that no other recording of
    /// the folder has is kept. All of the batch is durable afterwards, or nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record(
        &self,
        source: &str,
        request: &Request,
        seen: Vec<Seen>,
        bases: Bases,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        crash::around(
            "store.record",
            self.writer().write(Record {
                source: source.to_owned(),
                request: request.clone(),
                seen,
                bases,
                now,
            }),
        )
        .await
    }
}

/// The names that the transcripts of a file may have, best first, without end.
pub type Bases = fn(&OsStr) -> Box<dyn Iterator<Item = OsString> + Send>;
