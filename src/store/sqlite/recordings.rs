//! Recordings found by a scan or `add`, and the jobs created for them.

use crate::domain::{JobId, Location, Timestamp};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Recommended batch size for `Store::new_or_changed` and `Store::record`.
///
/// It is the number of rows that one statement reads.
pub const BATCH_SIZE: usize = 4096;

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

/// Recordings that a scan found and the queue does not know as they are.
#[derive(Debug, Clone, Default)]
pub struct ScanDiff {
    /// New and changed recordings, ordered by location.
    pub unknown: Vec<FoundRecording>,
    /// Number of the changed ones.
    pub changed: usize,
}
