//! A look at a recording before anything is sent or paid: is it there, is it what was recorded, is it a recording at
//! all, and was its content paid for already.

use super::context::Context;
use crate::domain::exhaustion::is_exhaustion;
use crate::domain::{ErrorClass, Failure, JobId};
use crate::media::fingerprint::{self, Fingerprint};
use crate::media::inspect::inspect;
use crate::store::StoreError;
use crate::store::claims::Twin;
use crate::store::queue::Candidate;
use crate::store::recordings::Location;
use std::io;
use std::path::{Path, PathBuf};

/// Up to this size a file is hashed rather than the database asked whether it is worth it.
const SMALL: u64 = 128 * 1024;

/// What the look found.
#[derive(Debug, Clone, PartialEq)]
pub enum Preflight {
    /// It may be sent.
    Ready {
        /// Its length in seconds, where the file says.
        duration_s: Option<f64>,
        /// Of its content, where another recording may have the same.
        sha256: Option<String>,
    },
    /// It is no longer there.
    Gone,
    /// It is not what was recorded.
    Changed(Fingerprint),
    /// It is no recording, or cannot be read.
    Refused(Failure),
    /// It cannot be read at this moment, for no reason of its own.
    NotNow(Failure),
    /// Equal content was paid for: its result can be taken.
    Paid {
        /// The job with the result.
        by: JobId,
        /// Of the content.
        sha256: String,
    },
    /// Equal content is on its way.
    UnderWay(JobId),
}

/// Looks at the candidate. Reading happens on a blocking thread; a panic in a container's parser is that file's
/// failure.
///
/// # Errors
/// If the database fails.
pub async fn preflight(context: &Context, candidate: &Candidate) -> Result<Preflight, StoreError> {
    let Location::File(path) = &candidate.location else {
        return Ok(Preflight::Ready {
            duration_s: None,
            sha256: None,
        });
    };
    let compare = candidate.size_bytes <= SMALL || context.store.may_have_twin(candidate).await?;
    let look = {
        let (path, expected) = (path.clone(), expected(candidate));
        tokio::task::spawn_blocking(move || look(&path, expected, compare)).await
    };
    let (duration_s, sha256) = match look {
        Ok(Look::Whole { duration_s, sha256 }) => (duration_s, sha256),
        Ok(Look::Not(preflight)) => return Ok(preflight),
        Err(_) => {
            let message = "its content upsets the reader of its container";
            return Ok(Preflight::Refused(Failure::new(
                ErrorClass::Unreadable,
                message,
            )));
        }
    };
    let Some(sha256) = sha256 else {
        return Ok(Preflight::Ready {
            duration_s,
            sha256: None,
        });
    };
    Ok(match context.store.twin(candidate, &sha256).await? {
        None => Preflight::Ready {
            duration_s,
            sha256: Some(sha256),
        },
        Some(Twin::Paid(by)) => Preflight::Paid { by, sha256 },
        Some(Twin::UnderWay(job)) => Preflight::UnderWay(job),
    })
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
    let source = context
        .config
        .sources
        .iter()
        .find(|source| source.name == candidate.source)?;
    (!source.path.is_dir()).then(|| source.path.clone())
}

enum Look {
    Whole {
        duration_s: Option<f64>,
        sha256: Option<String>,
    },
    Not(Preflight),
}

fn look(path: &Path, expected: Fingerprint, compare: bool) -> Look {
    look_into(path, expected, compare).unwrap_or_else(|error| Look::Not(unreadable(&error)))
}

fn look_into(path: &Path, expected: Fingerprint, compare: bool) -> io::Result<Look> {
    let found = fingerprint::of(path)?;
    if found != expected {
        return Ok(Look::Not(Preflight::Changed(found)));
    }
    Ok(match inspect(path)? {
        Err(failure) => Look::Not(Preflight::Refused(failure)),
        Ok(inspected) => Look::Whole {
            duration_s: inspected.duration_s,
            sha256: compare.then(|| fingerprint::sha256(path)).transpose()?,
        },
    })
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
