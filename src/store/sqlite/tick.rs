//! Snapshot of the queue, taken by a run every second.

use crate::domain::{JobState, Revision, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::{Store, with_suffix};
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;
use std::path::Path;

/// Snapshot of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickSnapshot {
    /// Version of the data. It changes when another process writes to the database.
    pub version: i64,
    /// Number of jobs by state, with an entry for every state.
    pub counts: BTreeMap<JobState, u64>,
    /// Earliest expiry of a pending job.
    pub next_expiry: Option<Timestamp>,
}

impl TickSnapshot {
    /// Whether no job is queued, at the service, or waiting for its files.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        use JobState::{Pending, Queued, Received, Submitting};
        let active = [Queued, Submitting, Pending, Received];
        active
            .iter()
            .all(|state| self.counts.get(state) == Some(&0))
    }
}

/// Size and modification time of the database and its write-ahead log. Each commit changes them, in any process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMark([Option<Revision>; 2]);

impl Store {
    /// Returns the mark of the files. Blocks for two look-ups of metadata, which cost a tenth of a snapshot.
    ///
    /// A commit may leave the mark as it is if another one preceded it by a few milliseconds, because file systems
    /// round their times.
    #[must_use]
    pub fn file_mark(&self) -> FileMark {
        let revision = |path: &Path| Revision::try_from(&std::fs::metadata(path).ok()?).ok();
        let log = with_suffix(self.path(), "-wal");
        FileMark([revision(self.path()), revision(&log)])
    }

    /// Takes a snapshot of the queue.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick_snapshot(&self) -> Result<TickSnapshot, StoreError> {
        self.writer().write(TakeSnapshot).await
    }
}

/// Runs on the writing connection, whose `data_version` does not count its own changes.
///
/// It is one statement because an idle run executes nothing else.
struct TakeSnapshot;

impl Change for TakeSnapshot {
    type Reply = TickSnapshot;

    const IS_READ_ONLY: bool = true;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<TickSnapshot, StoreError> {
        let found = sqlx::query(
            "SELECT (SELECT data_version FROM pragma_data_version) AS version,
                    (SELECT json_group_array(json_array(state, jobs)) FROM job_counts) AS counts,
                    (SELECT min(expires_at) FROM jobs WHERE state = 'pending') AS next_expiry",
        )
        .fetch_one(connection)
        .await?;
        Ok(TickSnapshot {
            version: found.try_get("version")?,
            counts: row::parse_counts(found.try_get("counts")?)?,
            next_expiry: row::time_or_none(&found, "next_expiry")?,
        })
    }
}
