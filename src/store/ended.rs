//! What ended in some time, for a summary.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Location;
use super::row;
use super::spending::{Submitted, submitted};
use crate::domain::{Failure, JobId, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// What ended in some time, as it stands at its end: what failed and is done since is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ended {
    /// Jobs done.
    pub done: u64,
    /// Jobs failed.
    pub failed: u64,
    /// The first of those.
    pub failures: Vec<FailedJob>,
    /// Seconds of audio of those that are done.
    pub audio_s: f64,
    /// What was billed for those, by model: what was taken from equal recordings is not in it.
    pub billed: Vec<Submitted>,
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    /// The job.
    pub id: JobId,
    /// Where its audio is.
    pub location: Location,
    /// Why.
    pub failure: Failure,
}

impl Store {
    /// What ended after `since` and until `until`, with `most` of the failures. Looks at every job that has ever ended:
    /// to be asked when a run or a day is over, not more often.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ended_between(
        &self,
        since: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> Result<Ended, StoreError> {
        let figures = sqlx::query(
            "SELECT count(*) AS done, coalesce(sum(s.duration_s), 0.0) AS audio_s,
                    (SELECT count(*) FROM jobs WHERE state = 'failed' AND updated_at > ?1 AND updated_at <= ?2) AS failed
             FROM jobs j LEFT JOIN results s ON s.job_id = j.id
             WHERE j.state = 'done' AND j.updated_at > ?1 AND j.updated_at <= ?2",
        )
        .bind(since.millis())
        .bind(until.millis())
        .fetch_one(self.readers())
        .await?;
        let billed = sqlx::query(
            "SELECT j.model, coalesce(sum(s.duration_s), 0.0) AS audio_s
             FROM jobs j JOIN results s ON s.job_id = j.id
             WHERE j.state = 'done' AND j.updated_at > ?1 AND j.updated_at <= ?2 AND s.paid_by IS NULL
             GROUP BY j.model",
        )
        .bind(since.millis())
        .bind(until.millis())
        .fetch_all(self.readers())
        .await?;
        let failures = sqlx::query(
            "SELECT j.id, r.kind, r.location, j.error_class, j.error_message
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'failed' AND j.updated_at > ?1 AND j.updated_at <= ?2 ORDER BY j.id LIMIT ?3",
        )
        .bind(since.millis())
        .bind(until.millis())
        .bind(row::size(most as u64))
        .fetch_all(self.readers())
        .await?;
        Ok(Ended {
            done: row::count(&figures, "done")?,
            failed: row::count(&figures, "failed")?,
            failures: failures.iter().map(failed).collect::<Result<_, _>>()?,
            audio_s: figures.try_get("audio_s")?,
            billed: billed.iter().map(submitted).collect::<Result<_, _>>()?,
        })
    }
}

fn failed(found: &SqliteRow) -> Result<FailedJob, StoreError> {
    Ok(FailedJob {
        id: JobId(found.try_get("id")?),
        location: Location::read(found)?,
        failure: row::failure(found)?.ok_or(StoreError::Content {
            column: "error_class",
        })?,
    })
}
