//! Summary of the jobs that ended in a period.

use crate::domain::Location;
use crate::domain::{Failure, JobId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::spending::{ModelUsage, model_usage};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Jobs that ended in a period, by their current state.
///
/// A job that failed and is done since counts as done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PeriodSummary {
    /// Number of jobs done.
    pub done: u64,
    /// Number of jobs failed.
    pub failed: u64,
    /// Number of jobs done with warnings.
    pub warned: u64,
    /// First failed jobs, by ID.
    pub failures: Vec<FailedJob>,
    /// Audio of the jobs done, in seconds.
    pub audio_s: f64,
    /// Audio billed for the jobs done, by model. Results shared by duplicates and imported ones are
    /// excluded.
    pub billed: Vec<ModelUsage>,
}

/// A failed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    /// Job ID.
    pub id: JobId,
    /// Location of the audio.
    pub location: Location,
    /// Cause.
    pub failure: Failure,
}

impl Store {
    /// Returns the jobs that ended after `since` and until `until`, with at most `max_failures` failed ones.
    ///
    /// Reads every job that has ever ended. Call it once after a run or a day, not more often.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn summary_between(
        &self,
        since: Timestamp,
        until: Timestamp,
        max_failures: usize,
    ) -> Result<PeriodSummary, StoreError> {
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
            "SELECT model, sum(audio_s) AS audio_s, sum(iif(charged_usd IS NULL, audio_s, 0.0)) AS uncharged_audio_s,
                    sum(coalesce(charged_usd, 0.0)) AS charged_usd
             FROM (SELECT j.model, coalesce(s.duration_s, 0.0) AS audio_s,
                          (SELECT max(charged_usd) FROM attempts WHERE job_id = j.id) AS charged_usd
                   FROM jobs j JOIN results s ON s.job_id = j.id
                   WHERE j.state = 'done' AND j.updated_at > ?1 AND j.updated_at <= ?2 AND s.paid_by IS NULL
                      AND s.imported = 0)
             GROUP BY model",
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
        .bind(row::to_integer(max_failures as u64))
        .fetch_all(self.readers())
        .await?;
        Ok(PeriodSummary {
            done: row::count(&figures, "done")?,
            failed: row::count(&figures, "failed")?,
            warned: self.warned_between(since, until).await?,
            failures: failures.iter().map(failed_job).collect::<Result<_, _>>()?,
            audio_s: figures.try_get("audio_s")?,
            billed: billed.iter().map(model_usage).collect::<Result<_, _>>()?,
        })
    }
}

fn failed_job(found: &SqliteRow) -> Result<FailedJob, StoreError> {
    Ok(FailedJob {
        id: JobId(found.try_get("id")?),
        location: row::location(found)?,
        failure: row::failure(found)?.ok_or(StoreError::Content {
            column: "error_class",
        })?,
    })
}
