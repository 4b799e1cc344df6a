//! What the live view asks, every second and beside a daemon: whatever the queue's length, each question reads a few
//! thousand rows at most.

use super::error::StoreError;
use super::open::Store;
use super::row;
use crate::domain::{Failure, JobId, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::path::PathBuf;

/// Queued jobs that are looked at one by one to say what they wait for.
pub const HEAD: u64 = 2000;
/// Attempts among which what was completed lately is looked for.
const LATELY: i64 = 10_000;
/// Failed jobs, and attempts, among which the last failures are looked for.
const FAILURES_AMONG: i64 = 500;

/// A recording that is being sent, or is at the service.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderWay {
    /// Its job.
    pub job: JobId,
    /// Its path in the source.
    pub relative: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Length in seconds, if known.
    pub duration_s: Option<f64>,
    /// When it was claimed, or accepted.
    pub since: Timestamp,
    /// When the service forgets it, if it has it.
    pub expires_at: Option<Timestamp>,
}

/// Queued jobs that are due and wait for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Their source's name.
    pub source: String,
    /// Whether they are files of its folder.
    pub are_files: bool,
    /// Whether equal audio is on its way.
    pub have_twin: bool,
    /// How many they are among the first [`HEAD`] of the queue.
    pub jobs: u64,
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The job.
    pub job: JobId,
    /// Its path in the source.
    pub relative: PathBuf,
    /// Why.
    pub failure: Failure,
    /// When.
    pub at: Timestamp,
}

/// What a queue is at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// Being sent, in the order of their IDs.
    pub sending: Vec<UnderWay>,
    /// At the service, nearest expiry first.
    pub pending: Vec<UnderWay>,
    /// What the first of the queue wait for, as far as they are due.
    pub waiting: Vec<Waiting>,
    /// Queued jobs that are not due yet, up to [`HEAD`].
    pub later: u64,
    /// When the first of them is.
    pub next_due: Option<Timestamp>,
    /// Jobs whose answer was lost and is being looked up.
    pub in_doubt: u64,
    /// Transcripts that came since the time asked for.
    pub files: u64,
    /// Seconds of audio billed for them.
    pub audio_s: f64,
    /// The last failures, newest first.
    pub failures: Vec<Failed>,
}

impl Store {
    /// What the queue is at: at most `rows` of each list, and what was completed since `since`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn activity(
        &self,
        now: Timestamp,
        since: Timestamp,
        rows: usize,
    ) -> Result<Activity, StoreError> {
        let rows = row::size(rows as u64);
        let figures = self.figures(now, since).await?;
        Ok(Activity {
            sending: self.sending(rows).await?,
            pending: self.at_service(rows).await?,
            waiting: self.waiting(now).await?,
            later: row::count(&figures, "later")?,
            next_due: row::time_or_none(&figures, "next_due")?,
            in_doubt: row::count(&figures, "in_doubt")?,
            files: row::count(&figures, "files")?,
            audio_s: figures.try_get("audio_s")?,
            failures: self.failures(rows).await?,
        })
    }

    async fn sending(&self, rows: i64) -> Result<Vec<UnderWay>, StoreError> {
        let found = sqlx::query(
            "SELECT j.id, r.relative, r.size_bytes, r.duration_s, j.updated_at AS since, NULL AS expires_at
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'submitting' ORDER BY j.id LIMIT ?1",
        )
        .bind(rows)
        .fetch_all(self.readers())
        .await?;
        found.iter().map(under_way).collect()
    }

    async fn at_service(&self, rows: i64) -> Result<Vec<UnderWay>, StoreError> {
        let found = sqlx::query(
            "SELECT j.id, r.relative, r.size_bytes, r.duration_s, j.accepted_at AS since, j.expires_at
             FROM jobs j INDEXED BY jobs_pending JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'pending' ORDER BY j.expires_at LIMIT ?1",
        )
        .bind(rows)
        .fetch_all(self.readers())
        .await?;
        found.iter().map(under_way).collect()
    }

    async fn waiting(&self, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        let found = sqlx::query(
            "WITH head AS MATERIALIZED (
                 SELECT recording_id, twin FROM jobs INDEXED BY jobs_queued
                 WHERE state = 'queued' AND due_at <= ?1 AND doubt IS NULL
                 ORDER BY priority DESC, due_at, id LIMIT ?2)
             SELECT r.source, r.kind = 'file' AS are_files,
                    EXISTS (SELECT 1 FROM jobs t WHERE t.id = head.twin
                            AND t.state IN ('submitting', 'pending')) AS have_twin, count(*) AS jobs
             FROM head CROSS JOIN recordings r ON r.id = head.recording_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        )
        .bind(now.millis())
        .bind(row::size(HEAD))
        .fetch_all(self.readers())
        .await?;
        let waiting = |found: &SqliteRow| {
            Ok(Waiting {
                source: found.try_get("source")?,
                are_files: row::is_set(found, "are_files")?,
                have_twin: row::is_set(found, "have_twin")?,
                jobs: row::count(found, "jobs")?,
            })
        };
        found.iter().map(waiting).collect()
    }

    /// Of each priority the range of times in the index that is not due, so that what is due is not read.
    async fn figures(&self, now: Timestamp, since: Timestamp) -> Result<SqliteRow, StoreError> {
        let figures = sqlx::query(
            "WITH RECURSIVE priorities (priority) AS (
                 SELECT max(priority) FROM jobs INDEXED BY jobs_queued WHERE state = 'queued'
                 UNION ALL
                 SELECT (SELECT max(j.priority) FROM jobs j INDEXED BY jobs_queued
                         WHERE j.state = 'queued' AND j.priority < p.priority)
                 FROM priorities p WHERE p.priority IS NOT NULL),
             later AS MATERIALIZED (
                 SELECT j.due_at FROM priorities p CROSS JOIN jobs j INDEXED BY jobs_queued
                 ON j.state = 'queued' AND j.priority = p.priority AND j.due_at > ?1
                 WHERE j.doubt IS NULL LIMIT ?2),
             lately AS MATERIALIZED (
                 SELECT billed_s FROM attempts
                 WHERE outcome = 'completed' AND ended_at >= ?3 AND id > (SELECT max(id) - ?4 FROM attempts))
             SELECT (SELECT count(*) FROM later) AS later, (SELECT min(due_at) FROM later) AS next_due,
                    (SELECT count(*) FROM jobs WHERE doubt IS NOT NULL) AS in_doubt,
                    (SELECT count(*) FROM lately) AS files,
                    (SELECT total(billed_s) FROM lately) AS audio_s",
        )
        .bind(now.millis())
        .bind(row::size(HEAD))
        .bind(since.millis())
        .bind(LATELY)
        .fetch_one(self.readers())
        .await?;
        Ok(figures)
    }

    /// Among those recorded last and those that the service refused last.
    async fn failures(&self, rows: i64) -> Result<Vec<Failed>, StoreError> {
        let found = sqlx::query(
            "WITH candidates AS MATERIALIZED (
                 SELECT id FROM (SELECT id FROM jobs WHERE state = 'failed' ORDER BY id DESC LIMIT ?2)
                 UNION
                 SELECT job_id FROM attempts
                 WHERE error_class IS NOT NULL AND id > (SELECT max(id) - ?2 FROM attempts))
             SELECT j.id, r.relative, j.error_class, j.error_message, j.updated_at
             FROM candidates CROSS JOIN jobs j ON j.id = candidates.id JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'failed' ORDER BY j.updated_at DESC, j.id DESC LIMIT ?1",
        )
        .bind(rows)
        .bind(FAILURES_AMONG)
        .fetch_all(self.readers())
        .await?;
        let failed = |found: &SqliteRow| {
            let missing = StoreError::Content {
                column: "error_class",
            };
            Ok(Failed {
                job: JobId(found.try_get("id")?),
                relative: row::path(found, "relative")?,
                failure: row::failure(found)?.ok_or(missing)?,
                at: row::time(found, "updated_at")?,
            })
        };
        found.iter().map(failed).collect()
    }
}

fn under_way(found: &SqliteRow) -> Result<UnderWay, StoreError> {
    Ok(UnderWay {
        job: JobId(found.try_get("id")?),
        relative: row::path(found, "relative")?,
        size_bytes: row::count(found, "size_bytes")?,
        duration_s: found.try_get("duration_s")?,
        since: row::time(found, "since")?,
        expires_at: row::time_or_none(found, "expires_at")?,
    })
}
