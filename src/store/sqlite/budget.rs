//! Jobs that wait for the budget, and submissions in flight that are charged to it.

use crate::domain::{AttemptId, ErrorClass, Failure, JobId, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{Change, check_guard};
use sqlx::{Row, SqliteConnection};

/// A submission in flight.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSubmission {
    /// Its attempt.
    pub attempt: AttemptId,
    /// Model.
    pub model: String,
    /// Time of the claim.
    pub started_at: Timestamp,
    /// Size of the file in bytes. 0 for a URL.
    pub size_bytes: u64,
    /// Length of the recording in seconds, if known.
    pub duration_s: Option<f64>,
}

impl Store {
    /// Leaves a job in the queue because the budget does not allow it. It is no candidate until the next run begins.
    ///
    /// Its place in the queue stays the same. `duration_s` is the length of the recording, if it was read.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn wait_for_budget(
        &self,
        job: JobId,
        failure: Failure,
        duration_s: Option<f64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let wait = WaitForBudget {
            job,
            failure,
            duration_s,
            now,
        };
        failpoint::around("store.wait_for_budget", self.writer().write(wait)).await
    }

    /// Returns the number of jobs that wait for the budget.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn over_budget(&self) -> Result<u64, StoreError> {
        // SQLite would prefer the index of all queued jobs, and read each of them.
        let found = sqlx::query(
            "SELECT count(*) AS jobs FROM jobs INDEXED BY jobs_over_budget
             WHERE state = 'queued' AND error_class = 'budget'",
        )
        .fetch_one(self.readers())
        .await?;
        row::count(&found, "jobs")
    }

    /// Returns the submissions that may still be billed: pending and uncertain ones.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_submissions(&self) -> Result<Vec<OpenSubmission>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.id, j.model, a.started_at, r.size_bytes, r.duration_s
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
                  JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE job_id = j.id)
             WHERE j.state = 'pending' OR j.uncertain_attempt_id IS NOT NULL",
        )
        .fetch_all(self.readers())
        .await?;
        let submission = |found: &sqlx::sqlite::SqliteRow| {
            Ok(OpenSubmission {
                attempt: AttemptId(found.try_get("id")?),
                model: found.try_get("model")?,
                started_at: row::time(found, "started_at")?,
                size_bytes: row::count(found, "size_bytes")?,
                duration_s: found.try_get("duration_s")?,
            })
        };
        rows.iter().map(submission).collect()
    }
}

/// Makes the jobs that wait for the budget candidates again.
pub(super) async fn end_budget_waits(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET error_class = NULL, error_message = NULL
         WHERE state = 'queued' AND error_class = 'budget'",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a job a candidate again if it waits for the budget.
pub(super) async fn end_budget_wait(
    connection: &mut SqliteConnection,
    job: JobId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET error_class = NULL, error_message = NULL
         WHERE id = ?1 AND state = 'queued' AND error_class = 'budget'",
    )
    .bind(job.0)
    .execute(connection)
    .await?;
    Ok(())
}

struct WaitForBudget {
    job: JobId,
    failure: Failure,
    duration_s: Option<f64>,
    now: Timestamp,
}

impl Change for WaitForBudget {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        debug_assert_eq!(self.failure.class, ErrorClass::Budget);
        let waits = sqlx::query(
            "UPDATE jobs SET error_class = ?2, error_message = ?3, updated_at = ?4 WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .execute(&mut *connection)
        .await?;
        check_guard(&waits)?;
        store_duration(connection, self.job, self.duration_s).await
    }
}

/// Stores the length of the recording of a job, if it was read.
pub(super) async fn store_duration(
    connection: &mut SqliteConnection,
    job: JobId,
    duration_s: Option<f64>,
) -> Result<(), StoreError> {
    if duration_s.is_some() {
        sqlx::query(
            "UPDATE recordings SET duration_s = ?2 WHERE id = (SELECT recording_id FROM jobs WHERE id = ?1)",
        )
        .bind(job.0)
        .bind(duration_s)
        .execute(connection)
        .await?;
    }
    Ok(())
}
