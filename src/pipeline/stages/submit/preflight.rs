//! Checks of a recording before it is submitted: the file exists, has not changed since the scan, and is audio or
//! video.

use crate::disk::resource_exhaustion::is_resource_exhaustion;
use crate::domain::Location;
use crate::domain::Revision;
use crate::domain::{ErrorClass, Failure, FileContent};
use crate::media::inspect::{Inspection, Truncated, inspect};
use crate::media::sound::Length;
use crate::pipeline::lengths::found_length;
use crate::pipeline::stages::submit::Submit;
use crate::source::folder::fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::durations::ProbedFile;
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
    /// Whether the file ends before its sound does, and is sent on purpose.
    pub is_truncated: bool,
    /// Whether the duration is an estimate.
    pub is_estimate: bool,
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
        let check = FileCheck {
            path: path.clone(),
            expected: candidate.recording.revision,
            truncated: Truncated::for_job(candidate.as_is),
            needs_hash,
        };
        let checked = tokio::task::spawn_blocking(move || check.run()).await;
        match checked {
            Ok(Preflight::Ready(ready)) => {
                let duration_s = self.duration(candidate, path, &ready).await?;
                Ok(Preflight::Ready(Ready {
                    duration_s,
                    ..ready
                }))
            }
            Ok(checked) => Ok(checked),
            Err(_) => {
                let message = "the container parser panicked on this file";
                let failure = Failure::new(ErrorClass::Unreadable, message);
                Ok(Preflight::Refused(failure))
            }
        }
    }

    /// Returns the duration of a file in seconds: as its container states it, or otherwise as ffprobe or an earlier probe
    /// of the same revision tells it. Stores what the claim does not store.
    async fn duration(
        &self,
        candidate: &Candidate,
        path: &Path,
        ready: &Ready,
    ) -> Result<Option<f64>, StoreError> {
        let known = &candidate.length;
        let found = match ready.duration_s {
            // A header may state the length of the whole.
            None if ready.is_truncated => return Ok(None),
            None if known.duration_s.is_some() => return Ok(known.duration_s),
            None => self.lengths.ask(path, known.unknown_to.as_deref()).await,
            Some(seconds) if ready.is_estimate && known.duration_s.is_none() => {
                found_length(Length::Estimated(seconds))
            }
            Some(seconds) => return Ok(Some(seconds)),
        };
        let Some(length) = found else {
            return Ok(ready.duration_s);
        };
        let duration_s = length.seconds();
        let probed = ProbedFile {
            recording: candidate.recording_id,
            revision: candidate.recording.revision,
            length,
        };
        let store = || self.journal.store.store_lengths(vec![probed.clone()]);
        self.journal.retrying(store).await?;
        Ok(duration_s)
    }

    /// Returns the root folder of the candidate's source if it does not exist.
    pub(super) fn missing_root(&self, candidate: &Candidate) -> Option<PathBuf> {
        let source = self.config.source(&candidate.recording.source)?;
        (!source.path.is_dir()).then(|| source.path.clone())
    }
}

/// What is checked of a file.
struct FileCheck {
    path: PathBuf,
    expected: Revision,
    truncated: Truncated,
    needs_hash: bool,
}

impl FileCheck {
    /// Blocks.
    fn run(&self) -> Preflight {
        let checked = if self.expected.size_bytes <= SMALL_FILE {
            self.check_small()
        } else {
            self.check_large()
        };
        checked.unwrap_or_else(|error| unreadable(&error))
    }

    /// Reads a small file once, for the checks, the hash and the upload.
    fn check_small(&self) -> io::Result<Preflight> {
        let (path, expected) = (&self.path, self.expected);
        let found = fingerprint::of(path)?;
        if found != expected {
            return Ok(Preflight::Changed(found));
        }
        let Some(content) = fingerprint::read_if_unchanged(path, expected)? else {
            return Ok(Preflight::Changed(fingerprint::of(path)?));
        };
        let inspected = self.inspect(io::Cursor::new(content.bytes.clone()))?;
        Ok(ready(
            inspected,
            Some(content.sha256.clone()),
            Some(content),
        ))
    }

    fn check_large(&self) -> io::Result<Preflight> {
        let found = fingerprint::of(&self.path)?;
        if found != self.expected {
            return Ok(Preflight::Changed(found));
        }
        let inspected = self.inspect(File::open(&self.path)?)?;
        let needs_hash = self.needs_hash && inspected.is_ok();
        let sha256 = needs_hash.then(|| fingerprint::sha256(&self.path));
        Ok(ready(inspected, sha256.transpose()?, None))
    }

    fn inspect(&self, file: impl io::Read + io::Seek) -> io::Result<Result<Inspection, Failure>> {
        let size_bytes = self.expected.size_bytes;
        inspect(file, size_bytes, &self.path, self.truncated)
    }
}

fn ready(
    inspected: Result<Inspection, Failure>,
    sha256: Option<String>,
    content: Option<FileContent>,
) -> Preflight {
    match inspected {
        Err(failure) => Preflight::Refused(failure),
        Ok(Inspection {
            length,
            is_truncated,
        }) => Preflight::Ready(Ready {
            duration_s: length.seconds(),
            is_estimate: matches!(length, Length::Estimated(_)),
            sha256,
            content,
            is_truncated,
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
