//! Checks of a recording before it is submitted: the file exists, has not changed since the scan, and is audio or
//! video.

use crate::disk::resource_exhaustion::is_resource_exhaustion;
use crate::domain::Location;
use crate::domain::Revision;
use crate::domain::{ErrorClass, Failure, FileContent, RecordingHash, RecordingIdentity};
use crate::media::inspect::inspect;
use crate::media::payload::Payload;
use crate::media::recording_hash::{locate, of_bytes, of_located, sound_key};
use crate::pipeline::stages::submit::Submit;
use crate::source::folder::fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// Maximum size of a file that is read as a whole, in bytes. It is always hashed, because that costs less than asking
/// the database whether it could be a duplicate.
const SMALL_FILE: u64 = 128 * 1024;

/// Maximum number of concurrent checks. Four keep a disk and the cores busy; each takes a thread and its memory.
const MAX_CONCURRENT: usize = 4;

/// A recording that may be sent.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    /// Duration in seconds, if the container states it.
    pub duration_s: Option<f64>,
    /// What is known of the content. The hashes are if another recording may have equal content.
    pub identity: RecordingIdentity,
    /// Where the encoded sound lies, if known.
    pub payload: Option<Payload>,
    /// Content of the file, if it was read as a whole.
    pub content: Option<FileContent>,
}

/// Result of the checks.
#[derive(Debug, Clone)]
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
    /// Checks the candidate on a blocking thread, and hashes it if it may be a duplicate.
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
        let slot = self.preflight_slots.acquire().await;
        let _slot = slot.map_err(|_| StoreError::Closed)?;
        let (path, expected) = (path.clone(), candidate.recording.revision);
        let checked = {
            let path = path.clone();
            blocking(move || check(&path, expected)).await
        };
        match checked {
            Preflight::Ready(ready) if ready.identity.hash.is_none() => {
                self.hash_if_needed(candidate, ready, path).await
            }
            checked => Ok(checked),
        }
    }

    /// Hashes the file if another recording, or a transcript on disk, may have equal content.
    async fn hash_if_needed(
        &self,
        candidate: &Candidate,
        ready: Ready,
        path: PathBuf,
    ) -> Result<Preflight, StoreError> {
        let (archive, store) = (self.importer.archive(), &self.journal.store);
        let key = ready.identity.sound_key.as_ref();
        let needs_hash = archive.may_contain(&candidate.recording)
            || store.may_have_duplicate(candidate, key).await?;
        if !needs_hash {
            return Ok(Preflight::Ready(ready));
        }
        let hashing = move || {
            let hash = of_located(&path, ready.payload.as_ref());
            hash.map_or_else(|error| unreadable(&error), |hash| hashed(ready, hash))
        };
        Ok(blocking(hashing).await)
    }

    /// Returns the root folder of the candidate's source if it does not exist.
    pub(super) fn missing_root(&self, candidate: &Candidate) -> Option<PathBuf> {
        let source = self.config.source(&candidate.recording.source)?;
        (!source.path.is_dir()).then(|| source.path.clone())
    }
}

/// Runs a check on a blocking thread. A panic in a container parser fails only that file.
async fn blocking(check: impl FnOnce() -> Preflight + Send + 'static) -> Preflight {
    let checked = tokio::task::spawn_blocking(check).await;
    checked.unwrap_or_else(|_| {
        let message = "the container parser panicked on this file";
        Preflight::Refused(Failure::new(ErrorClass::Unreadable, message))
    })
}

fn check(path: &Path, expected: Revision) -> Preflight {
    let checked = if expected.size_bytes <= SMALL_FILE {
        check_small(path, expected)
    } else {
        check_large(path, expected)
    };
    checked.unwrap_or_else(|error| unreadable(&error))
}

/// Reads a small file once, for the checks, the hashes and the upload.
fn check_small(path: &Path, expected: Revision) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    let Some(bytes) = fingerprint::read_if_unchanged(path, expected)? else {
        return Ok(Preflight::Changed(fingerprint::of(path)?));
    };
    let checked = check_content(io::Cursor::new(&bytes), expected, path)?;
    let Preflight::Ready(ready) = checked else {
        return Ok(checked);
    };
    let hash = of_bytes(&bytes, ready.payload.as_ref());
    let content = FileContent {
        bytes,
        hash: hash.clone(),
    };
    let ready = Ready {
        content: Some(content),
        ..ready
    };
    Ok(hashed(ready, hash))
}

fn check_large(path: &Path, expected: Revision) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    check_content(File::open(path)?, expected, path)
}

/// Inspects a file and finds its sound.
fn check_content(
    mut file: impl Read + Seek,
    revision: Revision,
    path: &Path,
) -> io::Result<Preflight> {
    let len = revision.size_bytes;
    let length = match inspect(&mut file, len, path)? {
        Ok(inspected) => inspected.length,
        Err(failure) => return Ok(Preflight::Refused(failure)),
    };
    let payload = locate(&mut file, len, path)?;
    let sound_key = match &payload {
        Some(payload) => sound_key(&mut file, len, payload, length)?,
        None => None,
    };
    Ok(Preflight::Ready(Ready {
        duration_s: length.seconds(),
        identity: RecordingIdentity {
            hash: None,
            sound_key,
        },
        payload,
        content: None,
    }))
}

fn hashed(ready: Ready, hash: RecordingHash) -> Preflight {
    let identity = RecordingIdentity {
        hash: Some(hash),
        ..ready.identity
    };
    Preflight::Ready(Ready { identity, ..ready })
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
