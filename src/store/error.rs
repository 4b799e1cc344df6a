//! What can go wrong with the queue.

use std::path::PathBuf;
use std::sync::Arc;

/// A failure of the queue. None of them changes or overwrites what is stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state folder cannot be made or read.
    #[error("the state folder `{}` cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no database of ours.
    #[error("`{}` is not a nightscribe database; move it away or choose another `state.dir`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database was written by a later version.
    #[error("`{}` was written by a newer nightscribe; use that version, or choose another `state.dir`", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("`{}` is damaged; restore it from a copy, or move it away to start a new queue (what was paid for is in the output folder and, while its hour lasts, at the service)", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: sqlx::Error,
    },
    /// Another process keeps the database locked.
    #[error("the database is locked by another process")]
    Locked(#[source] Arc<sqlx::Error>),
    /// There is no room to write, or the disk refuses to.
    #[error("the database cannot be written")]
    Disk(#[source] Arc<sqlx::Error>),
    /// The job was no longer in the state that the change expects: somebody else changed it.
    #[error("the job was changed by somebody else meanwhile")]
    Stale,
    /// A row holds what this version cannot have written.
    #[error("unexpected content in column `{column}`")]
    Content {
        /// The column.
        column: &'static str,
    },
    /// The writer has ended.
    #[error("the queue is closed")]
    Closed,
    /// Anything else that SQLite reports.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// The same for another change that failed with this one; only where the reason is none of its own.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::Locked(source) => Some(Self::Locked(source.clone())),
            Self::Disk(source) => Some(Self::Disk(source.clone())),
            _ => None,
        }
    }

    /// Whether the same change may succeed later without anything else being done: lack of room, a lock.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Disk(_))
    }
}

/// Primary result codes of SQLite (`https://sqlite.org/rescode.html`).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
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

/// Whether the error says that the file is damaged or no database at all.
pub(super) fn is_corrupt(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::CORRUPT | code::NOTADB))
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
