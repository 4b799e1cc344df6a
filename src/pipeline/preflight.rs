//! A look at a recording before anything is sent or paid: is it there, is it what was recorded, and is it a recording at
//! all.

use super::context::Context;
use crate::domain::exhaustion::is_exhaustion;
use crate::domain::{Content, ErrorClass, Failure};
use crate::media::fingerprint::{self, Fingerprint};
use crate::media::inspect::{Inspected, inspect};
use crate::store::StoreError;
use crate::store::queue::Candidate;
use crate::store::recordings::Location;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Up to this size a file is read as a whole, and hashed rather than the database asked whether it is worth it.
const SMALL: u64 = 128 * 1024;

/// Files looked at at once: as many as keep a disk and the cores busy. Each takes a thread, and those take memory.
pub const AT_ONCE: usize = 4;

/// A recording that may be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ready {
    /// Its length in seconds, where the file says.
    pub duration_s: Option<f64>,
    /// Of its content, where another recording may have the same.
    pub sha256: Option<String>,
    /// What was read of it, if that was all.
    pub content: Option<Content>,
}

/// What the look found.
#[derive(Debug, Clone, PartialEq)]
pub enum Preflight {
    /// It may be sent.
    Ready(Ready),
    /// It is no longer there.
    Gone,
    /// It is not what was recorded.
    Changed(Fingerprint),
    /// It is no recording, or cannot be read.
    Refused(Failure),
    /// It cannot be read at this moment, for no reason of its own.
    NotNow(Failure),
}

/// Looks at the candidate. Reading happens on a blocking thread; a panic in a container's parser is that file's
/// failure.
///
/// # Errors
/// If the database fails.
pub async fn preflight(context: &Context, candidate: &Candidate) -> Result<Preflight, StoreError> {
    let Location::File(path) = &candidate.location else {
        return Ok(Preflight::Ready(Ready::default()));
    };
    let compare = candidate.size_bytes <= SMALL || context.store.may_have_twin(candidate).await?;
    let _room = context
        .looks
        .acquire()
        .await
        .map_err(|_| StoreError::Closed)?;
    let look = {
        let (path, expected) = (path.clone(), expected(candidate));
        tokio::task::spawn_blocking(move || look(&path, expected, compare)).await
    };
    Ok(look.unwrap_or_else(|_| {
        let message = "its content upsets the reader of its container";
        Preflight::Refused(Failure::new(ErrorClass::Unreadable, message))
    }))
}

/// What the candidate's file looked like when it was recorded.
#[must_use]
pub const fn expected(candidate: &Candidate) -> Fingerprint {
    Fingerprint {
        size_bytes: candidate.size_bytes,
        modified: candidate.modified,
    }
}

/// The root of the candidate's source, if its folder is not there.
#[must_use]
pub fn missing_root(context: &Context, candidate: &Candidate) -> Option<PathBuf> {
    let source = context.config.source(&candidate.source)?;
    (!source.path.is_dir()).then(|| source.path.clone())
}

fn look(path: &Path, expected: Fingerprint, compare: bool) -> Preflight {
    let looked = if expected.size_bytes <= SMALL {
        look_at_all(path, expected)
    } else {
        look_into(path, expected, compare)
    };
    looked.unwrap_or_else(|error| unreadable(&error))
}

/// Reads a small file as a whole, once for everything.
fn look_at_all(path: &Path, expected: Fingerprint) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    let Some(content) = fingerprint::read(path, expected)? else {
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

fn look_into(path: &Path, expected: Fingerprint, compare: bool) -> io::Result<Preflight> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Preflight::Changed(found));
    }
    let inspected = inspect(File::open(path)?, expected.size_bytes, path)?;
    let compare = compare && inspected.is_ok();
    let sha256 = compare.then(|| fingerprint::sha256(path)).transpose()?;
    Ok(ready(inspected, sha256, None))
}

fn ready(
    inspected: Result<Inspected, Failure>,
    sha256: Option<String>,
    content: Option<Content>,
) -> Preflight {
    match inspected {
        Err(failure) => Preflight::Refused(failure),
        Ok(Inspected { duration_s }) => Preflight::Ready(Ready {
            duration_s,
            sha256,
            content,
        }),
    }
}

fn unreadable(error: &io::Error) -> Preflight {
    if is_gone(error) {
        return Preflight::Gone;
    }
    let failure = Failure::new(
        ErrorClass::Unreadable,
        format!("the file cannot be read: {error}"),
    );
    if is_exhaustion(error) {
        Preflight::NotNow(failure)
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
