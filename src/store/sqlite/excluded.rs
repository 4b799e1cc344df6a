//! Jobs that were excluded because their recordings are outside the limits of their source.

use crate::domain::{JobId, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// An excluded job.
#[derive(Debug, Clone, PartialEq)]
pub struct ExcludedJob {
    /// Job ID.
    pub job: JobId,
    /// Name of the source.
    pub source: String,
    /// Size in bytes. 0 for a URL.
    pub size_bytes: u64,
    /// Length in seconds, if known.
    pub duration_s: Option<f64>,
    /// Reason of the exclusion.
    pub reason: String,
}

impl Store {
    /// Returns the excluded jobs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn excluded_jobs(&self) -> Result<Vec<ExcludedJob>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, r.source, r.size_bytes, r.duration_s, j.error_message
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'excluded' ORDER BY j.id",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(excluded_job).collect()
    }

    /// `excluded` → `queued`: ends the exclusion of jobs. They get back their place in the queue.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn end_exclusions(&self, jobs: Vec<JobId>, now: Timestamp) -> Result<(), StoreError> {
        let end = EndExclusions { jobs, now };
        failpoint::around("store.end_exclusions", self.writer().write(end)).await
    }
}

fn excluded_job(found: &SqliteRow) -> Result<ExcludedJob, StoreError> {
    Ok(ExcludedJob {
        job: JobId(found.try_get("id")?),
        source: found.try_get("source")?,
        size_bytes: row::count(found, "size_bytes")?,
        duration_s: found.try_get("duration_s")?,
        reason: found.try_get("error_message")?,
    })
}

struct EndExclusions {
    jobs: Vec<JobId>,
    now: Timestamp,
}

impl Change for EndExclusions {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET state = 'queued', error_class = NULL, error_message = NULL, updated_at = ?2
             WHERE state = 'excluded' AND id IN (SELECT value FROM json_each(?1))",
        )
        .bind(row::json_ids(self.jobs.iter().map(|job| job.0)))
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}
