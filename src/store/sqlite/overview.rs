//! Figures of the queue, for `status`.

use crate::domain::{JobState, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::priorities::PRIORITIES;
use crate::store::sqlite::row;
use sqlx::Row;
use std::collections::BTreeMap;

/// A run without a recorded end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveRun {
    /// Process ID.
    pub pid: u32,
    /// Start time.
    pub since: Timestamp,
}

/// Figures of the queue, for `status`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// Number of jobs by state, with an entry for every state.
    pub counts: BTreeMap<JobState, u64>,
    /// Earliest expiry of a pending job.
    pub next_expiry: Option<Timestamp>,
    /// Earliest due time of a queued job.
    pub next_due: Option<Timestamp>,
    /// Number of submissions that may have been billed without a transcript.
    pub perhaps_paid: u64,
    /// Number of queued jobs that wait for the budget.
    pub over_budget: u64,
    /// Number of transcripts completed since the requested time, among the last 10,000 attempts.
    pub done_since: u64,
    /// Run without a recorded end. It may be dead; only the lock on the state folder tells.
    pub active_run: Option<ActiveRun>,
}

impl Store {
    /// Returns the figures of the queue.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn overview(&self, done_since: Timestamp) -> Result<Overview, StoreError> {
        let figures = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH RECURSIVE {PRIORITIES},
             first_due (due_at) AS (
                 SELECT (SELECT j.due_at FROM jobs j INDEXED BY jobs_queued
                         WHERE j.state = 'queued' AND j.priority = p.priority ORDER BY j.due_at LIMIT 1)
                 FROM priorities p WHERE p.priority IS NOT NULL)
             SELECT (SELECT min(expires_at) FROM jobs WHERE state = 'pending') AS next_expiry,
                    (SELECT min(due_at) FROM first_due) AS next_due,
                    (SELECT count(*) FROM attempts WHERE outcome IN ('uncertain', 'lost')) AS perhaps_paid,
                    (SELECT count(*) FROM attempts WHERE outcome = 'completed' AND ended_at >= ?1
                      AND id > (SELECT max(id) - 10000 FROM attempts)) AS done_since"
        )))
        .bind(done_since.millis())
        .fetch_one(self.readers())
        .await?;
        Ok(Overview {
            counts: self.counts().await?,
            next_expiry: row::time_or_none(&figures, "next_expiry")?,
            next_due: row::time_or_none(&figures, "next_due")?,
            perhaps_paid: row::count(&figures, "perhaps_paid")?,
            over_budget: self.over_budget().await?,
            done_since: row::count(&figures, "done_since")?,
            active_run: self.active_run().await?,
        })
    }

    /// Returns the number of jobs by state, with an entry for every state.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self) -> Result<BTreeMap<JobState, u64>, StoreError> {
        let counts: String =
            sqlx::query_scalar("SELECT json_group_array(json_array(state, jobs)) FROM job_counts")
                .fetch_one(self.readers())
                .await?;
        row::parse_counts(&counts)
    }

    /// Returns the run without a recorded end. It may be dead; only the lock on the state folder tells.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn active_run(&self) -> Result<Option<ActiveRun>, StoreError> {
        let found = sqlx::query(
            "SELECT pid, started_at FROM runs WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1",
        )
        .fetch_optional(self.readers())
        .await?;
        let Some(found) = found else { return Ok(None) };
        let pid = u32::try_from(found.try_get::<i64, _>("pid")?)
            .map_err(|_| StoreError::Content { column: "pid" })?;
        Ok(Some(ActiveRun {
            pid,
            since: row::time(&found, "started_at")?,
        }))
    }
}
