//! Transcripts of low confidence, and their retries with another model.

use crate::domain::model_name::canonical_model;
use crate::domain::{JobId, Request, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;

/// A transcript of low confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct LowTranscript {
    /// Job that made it.
    pub job: JobId,
    /// Model and options with which it was made.
    pub request: Request,
    /// Duration of the recording in seconds, if known.
    pub duration_s: Option<f64>,
    /// Whether the recording was submitted with the other model already, or is queued with it.
    pub is_tried: bool,
}

/// Number of finished transcripts, by whether their confidence is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConfidenceCounts {
    /// Transcripts with a confidence.
    pub known: u64,
    /// Transcripts without one: the service gives none, nobody speaks, or an earlier version stored them.
    pub unknown: u64,
}

/// A retry of a job with another model or other options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityRetry {
    /// Job whose transcript is to be replaced.
    pub job: JobId,
    /// Model and options.
    pub request: Request,
}

/// SQL condition: the job made the present transcript of its recording, and no other one is under way.
const IS_PRESENT: &str = "j.state = 'done' AND j.set_aside = 0
    AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.recording_id = j.recording_id AND l.id > j.id AND l.set_aside = 0
                    AND l.state NOT IN ('failed', 'cancelled'))";

impl Store {
    /// Returns the present transcripts of the recordings of `source`, or of all sources, whose mean confidence is below `below`,
    /// by job. `model` is the model that they are to be retried with.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn low_transcripts(
        &self,
        below: f64,
        model: &str,
        source: Option<&str>,
    ) -> Result<Vec<LowTranscript>, StoreError> {
        // The joins are CROSS, because SQLite would otherwise search the index once for each job.
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT j.id, j.model, j.options, coalesce(r.duration_s, s.duration_s) AS duration_s,
                    EXISTS (SELECT 1 FROM jobs t WHERE t.recording_id = j.recording_id AND t.id >= j.id
                            AND t.model_key = ?2 AND t.state <> 'cancelled') AS is_tried
             FROM results s INDEXED BY results_confidence CROSS JOIN jobs j ON j.id = s.job_id
             CROSS JOIN recordings r ON r.id = j.recording_id
             WHERE s.quality IS NOT NULL AND s.quality ->> '$.confidence' < ?1 AND {IS_PRESENT}
                   AND (?3 IS NULL OR r.source = ?3)
             ORDER BY j.id"
        )))
        .bind(below)
        .bind(canonical_model(model))
        .bind(source)
        .fetch_all(self.readers())
        .await?;
        let found = rows.iter().map(|found| {
            Ok(LowTranscript {
                job: JobId(found.try_get("id")?),
                request: row::request(found)?,
                duration_s: found.try_get("duration_s")?,
                is_tried: row::is_set(found, "is_tried")?,
            })
        });
        found.collect()
    }

    /// Counts the present transcripts of the recordings of `source`, or of all sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn confidence_counts(
        &self,
        source: Option<&str>,
    ) -> Result<ConfidenceCounts, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH known AS MATERIALIZED (
                 SELECT job_id FROM results INDEXED BY results_confidence
                 WHERE quality IS NOT NULL AND quality ->> '$.confidence' NOT NULL)
             SELECT count(*) FILTER (WHERE j.id IN known) AS known, count(*) FILTER (WHERE j.id NOT IN known) AS unknown
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE {IS_PRESENT} AND (?1 IS NULL OR r.source = ?1)"
        )))
        .bind(source)
        .fetch_one(self.readers())
        .await?;
        Ok(ConfidenceCounts {
            known: row::count(&found, "known")?,
            unknown: row::count(&found, "unknown")?,
        })
    }

    /// Queues a new job for the recording of each of these jobs. With `keep_better`, its transcript is written only if its
    /// confidence is higher. Returns the new jobs, by ID.
    ///
    /// A job whose recording has a newer job under way is left out. The results of the earlier jobs stay stored. The user
    /// has approved the payment, so no source hold concerns the new jobs.
    ///
    /// # Errors
    /// If the database fails; nothing is queued then.
    pub async fn retry_low_quality(
        &self,
        retries: Vec<QualityRetry>,
        keep_better: bool,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        let change = RetryLowQuality {
            retries,
            keep_better,
            now,
        };
        failpoint::around("store.retry", self.writer().write(change)).await
    }

    /// Returns the mean confidences of the results of these jobs, as far as they are known.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn confidences(&self, jobs: &[JobId]) -> Result<HashMap<JobId, f64>, StoreError> {
        let rows: Vec<(i64, f64)> = sqlx::query_as(
            "SELECT job_id, quality ->> '$.confidence' FROM results
             WHERE job_id IN (SELECT value FROM json_each(?1)) AND quality ->> '$.confidence' NOT NULL",
        )
        .bind(row::json_ids(jobs.iter().map(|job| job.0)))
        .fetch_all(self.readers())
        .await?;
        let known = rows.into_iter();
        Ok(known
            .map(|(job, confidence)| (JobId(job), confidence))
            .collect())
    }
}

struct RetryLowQuality {
    retries: Vec<QualityRetry>,
    keep_better: bool,
    now: Timestamp,
}

impl Change for RetryLowQuality {
    type Reply = Vec<JobId>;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Vec<JobId>, StoreError> {
        let retries = self.retries.iter().map(|retry| {
            (
                retry.job,
                retry.request.model(),
                retry.request.options_json(),
            )
        });
        let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "INSERT INTO jobs (recording_id, model, options, state, due_at, created_at, updated_at, retry_of, keep_better,
                               paid_mark)
             SELECT j.recording_id, q.value ->> 1, q.value ->> 2, 'queued', ?2, ?2, ?2, j.id, ?3, 'approved'
             FROM jsonb_each(?1) q CROSS JOIN jobs j ON j.id = q.value ->> 0
             WHERE {IS_PRESENT} ORDER BY j.id RETURNING id"
        )))
        .bind(json_rows(retries))
        .bind(self.now.millis())
        .bind(self.keep_better)
        .fetch_all(connection)
        .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }
}
