//! Checks of a file on disk: it exists, has not changed, and is audio or video.

use crate::disk::resource_exhaustion::is_resource_exhaustion;
use crate::domain::{ErrorClass, Failure, FileContent, RecordingHash, RecordingIdentity, Revision};
use crate::media::inspect::{Inspection, Truncated, inspect};
use crate::media::payload::Payload;
use crate::media::recording_hash::{locate, of_bytes, of_located, sound_key};
use crate::media::sound::Length;
use crate::source::folder::fingerprint;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// Maximum size of a file that is read as a whole, in bytes. It is always hashed, because that costs less than asking
/// the database whether it could be a duplicate.
const SMALL_FILE: u64 = 128 * 1024;

/// A recording that may be sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Ready {
    /// Duration in seconds, if the container states it.
    pub duration_s: Option<f64>,
    /// Known hashes and key of the content. The hashes are set if another recording may have equal content.
    pub identity: RecordingIdentity,
    /// Where the encoded sound lies, if known.
    pub payload: Option<Payload>,
    /// Content of the file, if it was read as a whole.
    pub content: Option<FileContent>,
    /// Whether the file ends before its sound does, and is sent on purpose.
    pub is_truncated: bool,
    /// Whether the duration is an estimate.
    pub is_estimate: bool,
}

/// Result of the checks.
#[derive(Debug, Clone)]
pub(super) enum Preflight {
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

/// A check of a file.
pub(super) struct FileCheck {
    /// Path of the file.
    pub path: PathBuf,
    /// Revision that the queue knows.
    pub expected: Revision,
    /// Whether a truncated file is sent.
    pub truncated: Truncated,
}

impl FileCheck {
    /// Checks the file, and hashes a small one. Blocks.
    pub(super) fn run(&self) -> Preflight {
        let checked = if self.expected.size_bytes <= SMALL_FILE {
            self.check_small()
        } else {
            self.check_large()
        };
        checked.unwrap_or_else(|error| unreadable(&error))
    }

    /// Reads a small file once, for the checks, the hashes and the upload.
    fn check_small(&self) -> io::Result<Preflight> {
        let (path, expected) = (&self.path, self.expected);
        let found = fingerprint::of(path)?;
        if found != expected {
            return Ok(Preflight::Changed(found));
        }
        let Some(bytes) = fingerprint::read_if_unchanged(path, expected)? else {
            return Ok(Preflight::Changed(fingerprint::of(path)?));
        };
        let checked = self.check_content(io::Cursor::new(&bytes))?;
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

    fn check_large(&self) -> io::Result<Preflight> {
        let found = fingerprint::of(&self.path)?;
        if found != self.expected {
            return Ok(Preflight::Changed(found));
        }
        self.check_content(File::open(&self.path)?)
    }

    /// Inspects a file and finds its sound.
    fn check_content(&self, mut file: impl Read + Seek) -> io::Result<Preflight> {
        let len = self.expected.size_bytes;
        let Inspection {
            length,
            is_truncated,
        } = match inspect(&mut file, len, &self.path, self.truncated)? {
            Ok(inspection) => inspection,
            Err(failure) => return Ok(Preflight::Refused(failure)),
        };
        let payload = locate(&mut file, len, &self.path)?;
        let sound_key = match &payload {
            Some(payload) => sound_key(&mut file, len, payload, length)?,
            None => None,
        };
        Ok(Preflight::Ready(Ready {
            duration_s: length.seconds(),
            is_estimate: matches!(length, Length::Estimated(_)),
            identity: RecordingIdentity {
                hash: None,
                sound_key,
            },
            payload,
            content: None,
            is_truncated,
        }))
    }
}

/// Hashes a file that was checked. Blocks.
pub(super) fn hash(path: &Path, ready: Ready) -> Preflight {
    let hash = of_located(path, ready.payload.as_ref());
    hash.map_or_else(|error| unreadable(&error), |hash| hashed(ready, hash))
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
