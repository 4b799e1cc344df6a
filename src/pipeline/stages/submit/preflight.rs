//! Checks of a recording before it is submitted: the file exists, has not changed since the scan, and is audio or
//! video.

use crate::disk::resource_exhaustion::is_resource_exhaustion;
use crate::domain::Location;
use crate::domain::Revision;
use crate::domain::{ErrorClass, Failure, FileContent};
use crate::media::inspect::{Inspection, inspect};
use crate::pipeline::stages::submit::Submit;
use crate::source::folder::fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// Maximum size of a file that is read as a whole, in bytes. It is always hashed, because that costs less than asking
/// the database whether it could be a duplicate.
const SMALL_FILE: u64 = 128 * 1024;

/// Maximum number of concurrent checks. Four keep a disk and the cores busy; each takes a thread and its memory.
const MAX_CONCURRENT: usize = 4;

/// A recording that may be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ready {
    /// Duration in seconds, if the container states it.
    pub duration_s: Option<f64>,
    /// SHA-256 of the content, if another recording may have equal content.
    pub sha256: Option<String>,
    /// Content of the file, if it was read as a whole.
    pub content: Option<FileContent>,
}

/// Result of the checks.
#[derive(Debug, Clone, PartialEq)]
pub enum Preflight {
    /// The recording may be sent.
    Ready(Ready),
    /// The file no longer exists.
    Missing,
    /// The file has changed since it was recorded. Holds its current fingerprint.
    Changed(Revision),
    /// The file is not audio or video, or cannot be read.
    Refused(Failure),
    /// The file cannot be read now because this machine is out of a resource.
    Deferred(Failure),
}

/// Returns the slots for concurrent checks.
#[must_use]
pub fn slots() -> Semaphore {
    Semaphore::new(MAX_CONCURRENT)
}

impl Submit {
    /// Checks the candidate on a blocking thread. A panic in a container parser fails only that file.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn preflight(&self, candidate: &Candidate) -> Result<Preflight, StoreError> {
        let Location::File(path) = &candidate.recording.location else {
            return Ok(Preflight::Ready(Ready::default()));
        };
        let archive = self.importer.archive();
        archive
            .search_folder_of(&self.journal.store, &candidate.recording)
            .await?;
        let needs_hash = candidate.recording.revision.size_bytes <= SMALL_FILE
            || archive.may_contain(&candidate.recording)
            || self.journal.store.may_have_duplicate(candidate).await?;
        let _slot = self
            .preflight_slots
            .acquire()
            .await
            .map_err(|_| StoreError::Closed)?;
        let checked = {
            let (path, expected) = (path.clone(), candidate.recording.revision);
            tokio::task::spawn_blocking(move || check(&path, expected, needs_hash)).await
        };
        Ok(checked.unwrap_or_else(|_| {
            let message = "the container parser panicked on this file";
            Preflight::Refused(Failure::new(ErrorClass::Unreadable, message))
        }))
    }

    /// Returns the root folder of the candidate's source if it does not exist.
    pub(super) fn missing_root(&self, candidate: &Candidate) -> Option<PathBuf> {
        let source = self.config.source(&candidate.recording.source)?;
        (!source.path.is_dir()).then(|| source.path.clone())
    }
}

fn check(path: &Path, expected: Revision, needs_hash: bool) -> Preflight {
    let checked = if expected.size_bytes <= SMALL_FILE {
        check_small(path, expected)
    } else {
        check_large(path, expected, needs_hash)
    };
    checked.unwrap_or_else(|error| unreadable(&error))
}

/// Reads a small file once, for the checks, the hash and the upload.
fn check_small(path: &Path, expected: Revision) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    let Some(content) = fingerprint::read_if_unchanged(path, expected)? else {
        return Ok(Preflight::Changed(fingerprint::of(path)?));
    };
    let bytes = io::Cursor::new(content.bytes.clone());
    let inspected = inspect(bytes, expected.size_bytes, path)?;
    Ok(ready(
        inspected,
        Some(content.sha256.clone()),
        Some(content),
    ))
}

fn check_large(path: &Path, expected: Revision, needs_hash: bool) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    let inspected = inspect(File::open(path)?, expected.size_bytes, path)?;
    let needs_hash = needs_hash && inspected.is_ok();
    let sha256 = needs_hash.then(|| fingerprint::sha256(path)).transpose()?;
    Ok(ready(inspected, sha256, None))
}

fn ready(
    inspected: Result<Inspection, Failure>,
    sha256: Option<String>,
    content: Option<FileContent>,
) -> Preflight {
    match inspected {
        Err(failure) => Preflight::Refused(failure),
        Ok(Inspection { length }) => Preflight::Ready(Ready {
            duration_s: length.seconds(),
            sha256,
            content,
        }),
    }
}

fn unreadable(error: &io::Error) -> Preflight {
    if is_gone(error) {
        return Preflight::Missing;
    }
    let failure = Failure::new(
        ErrorClass::Unreadable,
        format!("the file cannot be read: {error}"),
    );
    if is_resource_exhaustion(error) {
        Preflight::Deferred(failure)
    } else {
        Preflight::Refused(failure)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
