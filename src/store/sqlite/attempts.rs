//! Submissions of a job, for `show`.

use crate::domain::{Attempt, AttemptId, JobId};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

impl Store {
    /// Returns all submissions of a job, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, started_at, ended_at, outcome, client_request_id, generation_id, http_status, request_id,
                    error_class, error_message, billed_s
             FROM attempts WHERE job_id = ?1 ORDER BY id",
        )
        .bind(job.0)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(attempt).collect()
    }
}

fn attempt(found: &SqliteRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: AttemptId(found.try_get("id")?),
        started_at: row::time(found, "started_at")?,
        ended_at: row::time_or_none(found, "ended_at")?,
        outcome: found.try_get("outcome")?,
        client_request_id: found.try_get("client_request_id")?,
        generation_id: row::generation(found)?,
        http_status: found.try_get("http_status")?,
        request_id: found.try_get("request_id")?,
        error: row::failure(found)?,
        billed_s: found.try_get("billed_s")?,
    })
}
