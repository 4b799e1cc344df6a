//! Snapshot of the queue, taken by a run every second.

use super::error::StoreError;
use super::open::Store;
use super::row;
use super::writer::Change;
use crate::domain::{JobState, Timestamp};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;

/// Snapshot of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Version of the data. It changes when another process writes to the database.
    pub version: i64,
    /// Number of jobs by state, with an entry for every state.
    pub counts: BTreeMap<JobState, u64>,
    /// Earliest expiry of a pending job.
    pub next_expiry: Option<Timestamp>,
}

impl Store {
    /// Takes a snapshot of the queue.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn glance(&self) -> Result<Glance, StoreError> {
        self.writer().write(TakeSnapshot).await
    }
}

/// Runs on the writing connection, whose `data_version` does not count its own changes.
///
/// It is one statement because an idle run executes nothing else.
struct TakeSnapshot;

impl Change for TakeSnapshot {
    type Reply = Glance;

    const IS_QUESTION: bool = true;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Glance, StoreError> {
        let found = sqlx::query(
            "SELECT (SELECT data_version FROM pragma_data_version) AS version,
                    (SELECT json_group_array(json_array(state, jobs)) FROM job_counts) AS counts,
                    (SELECT min(expires_at) FROM jobs WHERE state = 'pending') AS next_expiry",
        )
        .fetch_one(connection)
        .await?;
        Ok(Glance {
            version: found.try_get("version")?,
            counts: row::counts(found.try_get("counts")?)?,
            next_expiry: row::time_or_none(&found, "next_expiry")?,
        })
    }
}
