//! Operator commands: retry and cancel.
//!
//! They work with or without a running daemon.

use crate::domain::{ErrorClass, JobId, JobState, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};

/// Selects the jobs to retry.
#[derive(Debug, Clone, Default)]
pub struct RetryFilter {
    /// Only these jobs, which may also be cancelled or excluded.
    ///
    /// If empty: all failed jobs, and cancelled or excluded jobs whose class is `class`.
    pub jobs: Vec<JobId>,
    /// Only jobs with this error class.
    pub class: Option<ErrorClass>,
    /// Only jobs of this source.
    pub source: Option<String>,
    /// Whether they are submitted although their files are truncated, until these change.
    pub as_is: bool,
}

/// Outcome of cancelling a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The job was cancelled.
    Cancelled,
    /// No job has this ID.
    NotFound,
    /// The state of the job does not allow it.
    WrongState(JobState),
}

impl Store {
    /// `failed`, `cancelled` or `excluded` → `queued`, with the attempt count reset. Returns the changed jobs.
    ///
    /// A job that was cancelled while it was pending becomes `pending` again if the service still has its transcription:
    /// it is paid for.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn retry(
        &self,
        which: RetryFilter,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        failpoint::around("store.retry", self.writer().write(Retry { which, now })).await
    }

    /// `queued`, `pending` or `excluded` → `cancelled`. A job that is being sent cannot be cancelled.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn cancel(
        &self,
        jobs: Vec<JobId>,
        now: Timestamp,
    ) -> Result<Vec<(JobId, CancelOutcome)>, StoreError> {
        failpoint::around("store.cancel", self.writer().write(Cancel { jobs, now })).await
    }

    /// Returns the state of a job; `None` if no job has this ID.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn state_of(&self, job: JobId) -> Result<Option<JobState>, StoreError> {
        let found = sqlx::query("SELECT state FROM jobs WHERE id = ?1")
            .bind(job.0)
            .fetch_optional(self.readers())
            .await?;
        found.map(|found| row::parse(&found, "state")).transpose()
    }
}

struct Retry {
    which: RetryFilter,
    now: Timestamp,
}

impl Change for Retry {
    type Reply = Vec<JobId>;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Vec<JobId>, StoreError> {
        let mut jobs = self.poll_again(connection).await?;
        jobs.extend(self.requeue(connection).await?);
        jobs.sort_unstable();
        Ok(jobs)
    }
}

/// SQL condition: the retry concerns this job. Parameters: `?1` time, `?2` IDs, `?3` class, `?4` source. `?5`: as it is.
const IS_RETRIED: &str =
    "CASE WHEN json_array_length(?2) = 0 THEN state = 'failed' OR state IN ('cancelled', 'excluded') AND error_class = ?3
          ELSE state IN ('failed', 'cancelled', 'excluded') AND id IN (SELECT value FROM json_each(?2)) END
     AND (?3 IS NULL OR error_class = ?3)
     AND (?4 IS NULL OR recording_id IN (SELECT id FROM recordings WHERE source = ?4))";

impl Retry {
    /// `cancelled` → `pending`: jobs that were cancelled while the service worked on them. Their transcription is paid for and
    /// not deleted yet.
    async fn poll_again(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<JobId>, StoreError> {
        let jobs = self
            .update(
                "state = 'pending', run_id = (SELECT run_id FROM attempts WHERE job_id = jobs.id ORDER BY id DESC LIMIT 1),
                 updated_at = ?1",
                "AND state = 'cancelled' AND generation_id NOT NULL AND expires_at > ?1",
                connection,
            )
            .await?;
        sqlx::query(
            "UPDATE attempts SET outcome = 'accepted', ended_at = NULL
             WHERE id IN (SELECT max(id) FROM attempts
                          WHERE job_id IN (SELECT value FROM json_each(?1)) GROUP BY job_id)",
        )
        .bind(row::json_ids(jobs.iter().map(|job| job.0)))
        .execute(connection)
        .await?;
        Ok(jobs)
    }

    /// `failed`, `cancelled` or `excluded` → `queued`.
    async fn requeue(&self, connection: &mut SqliteConnection) -> Result<Vec<JobId>, StoreError> {
        self.update(
            "state = 'queued', attempts = 0, due_at = ?1, duplicate_of = NULL, generation_id = NULL, accepted_at = NULL,
             expires_at = NULL, error_class = NULL, error_message = NULL, updated_at = ?1, as_is = max(as_is, ?5)",
            "",
            connection,
        )
        .await
    }

    async fn update(
        &self,
        columns: &str,
        condition: &str,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<JobId>, StoreError> {
        let ids = serde_json::to_string(&self.which.jobs)
            .map_err(|_| StoreError::Content { column: "id" })?;
        let changed = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE jobs SET {columns} WHERE {IS_RETRIED} {condition} RETURNING id"
        )))
        .bind(self.now.millis())
        .bind(ids)
        .bind(self.which.class.map(ErrorClass::as_str))
        .bind(&self.which.source)
        .bind(self.which.as_is)
        .fetch_all(connection)
        .await?;
        changed
            .iter()
            .map(|row| Ok(JobId(row.try_get("id")?)))
            .collect()
    }
}

struct Cancel {
    jobs: Vec<JobId>,
    now: Timestamp,
}

impl Change for Cancel {
    type Reply = Vec<(JobId, CancelOutcome)>;

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<(JobId, CancelOutcome)>, StoreError> {
        let mut outcomes = Vec::with_capacity(self.jobs.len());
        for &job in &self.jobs {
            outcomes.push((job, self.cancel(connection, job).await?));
        }
        Ok(outcomes)
    }
}

impl Cancel {
    async fn cancel(
        &self,
        connection: &mut SqliteConnection,
        job: JobId,
    ) -> Result<CancelOutcome, StoreError> {
        let cancelled = sqlx::query(
            "UPDATE jobs SET state = 'cancelled', run_id = NULL, duplicate_of = NULL,
                             uncertain_attempt_id = NULL, lookups = 0, error_class = NULL,
                             error_message = NULL, updated_at = ?2
             WHERE id = ?1 AND state IN ('queued', 'pending', 'excluded')",
        )
        .bind(job.0)
        .bind(self.now.millis())
        .execute(&mut *connection)
        .await?;
        if cancelled.rows_affected() == 0 {
            let found = sqlx::query("SELECT state FROM jobs WHERE id = ?1")
                .bind(job.0)
                .fetch_optional(connection)
                .await?;
            return found.map_or(Ok(CancelOutcome::NotFound), |found| {
                Ok(CancelOutcome::WrongState(row::parse(&found, "state")?))
            });
        }
        sqlx::query("UPDATE attempts SET outcome = 'cancelled', ended_at = ?2 WHERE job_id = ?1 AND ended_at IS NULL")
            .bind(job.0)
            .bind(self.now.millis())
            .execute(connection)
            .await?;
        Ok(CancelOutcome::Cancelled)
    }
}
