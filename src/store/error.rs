//! Errors of the queue.

use std::path::PathBuf;
use std::sync::Arc;

/// An error of the queue. None of them changes or overwrites stored data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state folder cannot be created or read.
    #[error("the state folder `{}` cannot be used", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a nightscribe database.
    #[error("`{}` is not a nightscribe database; move it away, restore it from a backup if it was one, or choose another `state.dir`", path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The write-ahead log of a database exists without it. A new database would delete the log.
    #[error("`{}` is missing or empty, but `{}-wal` holds changes to it; restore both from the same backup, or move the second one away", path.display(), path.display())]
    Incomplete {
        /// Path of the database.
        path: PathBuf,
    },
    /// The database was moved, removed or replaced while it was open. Later changes would be lost.
    #[error("`{}` was moved, removed or replaced while it was in use, so the run has ended; move the state folder back to keep its queue, then start again", path.display())]
    Replaced {
        /// Path under which it was opened.
        path: PathBuf,
    },
    /// The database was written by a newer version.
    #[error("`{}` was written by a newer nightscribe; use that version, or choose another `state.dir`", path.display())]
    Newer {
        /// Path of the file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("`{}` is damaged; restore it from a backup, or move it away and run `nightscribe adopt`, which takes the transcripts in the output folder into a new queue (nothing is paid for them)", path.display())]
    Corrupt {
        /// Path of the file.
        path: PathBuf,
        /// Finding of SQLite.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process holds the lock on the database.
    #[error("the database is locked by another process")]
    Locked(#[source] Arc<sqlx::Error>),
    /// The disk is full or refuses the write.
    #[error("the database cannot be written")]
    Disk(#[source] Arc<sqlx::Error>),
    /// The job is no longer in the state that the change expects.
    #[error("the job was changed by another process or task")]
    Stale,
    /// A row has content that this version cannot have written.
    #[error("unexpected content in column `{column}`")]
    Content {
        /// Name of the column.
        column: &'static str,
    },
    /// The writer has stopped.
    #[error("the queue is closed")]
    Closed,
    /// Any other error of SQLite.
    #[error("database error")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Returns this error for another change of the same group, if its cause affects all of them.
    pub(super) fn clone_for_group(&self) -> Option<Self> {
        match self {
            Self::Locked(source) => Some(Self::Locked(source.clone())),
            Self::Disk(source) => Some(Self::Disk(source.clone())),
            _ => None,
        }
    }

    /// Whether the same change may succeed later without intervention (disk full, database locked).
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Disk(_))
    }
}

/// Primary result codes of SQLite (`https://sqlite.org/rescode.html`).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(code::BUSY | code::LOCKED) => Self::Locked(Arc::new(error)),
            Some(code::READONLY | code::IOERR | code::FULL | code::CANTOPEN) => {
                Self::Disk(Arc::new(error))
            }
            _ => Self::Database(error),
        }
    }
}

/// Whether the error says that the file is damaged or not a database.
pub(super) fn is_corrupt(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::CORRUPT | code::NOTADB))
}

/// Whether the query ended because its time was over.
pub(super) fn is_interrupted(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(code::INTERRUPT)
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
