//! Queries of the live view.
//!
//! The live view runs them every second, also while a daemon runs. Each reads at most a few thousand rows,
//! however long the queue is.

use crate::domain::{Failure, JobId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::priorities::PRIORITIES;
use crate::store::sqlite::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::path::PathBuf;

/// Maximum number of queued jobs examined for what they wait for.
pub const HEAD_LIMIT: u64 = 2000;
/// Number of latest attempts searched for recent completions.
const RECENT_ATTEMPTS: i64 = 10_000;
/// Number of latest failed jobs, and of latest attempts, searched for recent failures.
const FAILURE_CANDIDATES: i64 = 500;

/// A recording in flight: being sent, or pending at the service.
#[derive(Debug, Clone, PartialEq)]
pub struct InFlightRecording {
    /// Job ID.
    pub job: JobId,
    /// Path relative to the source.
    pub relative: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Duration in seconds, if known.
    pub duration_s: Option<f64>,
    /// Time of the claim while being sent, otherwise of the acceptance.
    pub since: Timestamp,
    /// Expiry at the service; `None` while being sent.
    pub expires_at: Option<Timestamp>,
}

/// Queued jobs that are due and wait for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingJobs {
    /// Name of their source.
    pub source: String,
    /// Whether they are files; otherwise they are URLs.
    pub are_files: bool,
    /// Whether they wait for a duplicate in flight.
    pub have_duplicate: bool,
    /// Whether they are held because they look paid for.
    pub look_paid: bool,
    /// Number of these jobs among the first [`HEAD_LIMIT`] of the queue.
    pub jobs: u64,
}

/// A failed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentFailure {
    /// Job ID.
    pub job: JobId,
    /// Path relative to the source.
    pub relative: PathBuf,
    /// Cause.
    pub failure: Failure,
    /// Time of the failure.
    pub at: Timestamp,
}

/// Current activity of the queue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// Recordings being sent, by job ID.
    pub sending: Vec<InFlightRecording>,
    /// Recordings pending at the service, nearest expiry first.
    pub pending: Vec<InFlightRecording>,
    /// Due jobs among the first [`HEAD_LIMIT`] of the queue, grouped by what they wait for.
    pub waiting: Vec<WaitingJobs>,
    /// Number of queued jobs not yet due, at most [`HEAD_LIMIT`].
    pub not_due: u64,
    /// Earliest due time of these jobs.
    pub next_due: Option<Timestamp>,
    /// Number of uncertain jobs, whose submission is being looked up.
    pub uncertain: u64,
    /// Number of transcripts completed since the requested time.
    pub transcripts: u64,
    /// Seconds of audio billed for them.
    pub audio_s: f64,
    /// Latest failures, newest first.
    pub failures: Vec<RecentFailure>,
}

impl Store {
    /// Returns the current activity, with at most `rows` entries per list.
    ///
    /// `files` and `audio_s` count from `since` on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn activity(
        &self,
        now: Timestamp,
        since: Timestamp,
        rows: usize,
    ) -> Result<Activity, StoreError> {
        let rows = row::to_integer(rows as u64);
        let figures = self.figures(now, since).await?;
        Ok(Activity {
            sending: self.sending(rows).await?,
            pending: self.at_service(rows).await?,
            waiting: self.waiting(now).await?,
            not_due: row::count(&figures, "later")?,
            next_due: row::time_or_none(&figures, "next_due")?,
            uncertain: row::count(&figures, "in_doubt")?,
            transcripts: row::count(&figures, "files")?,
            audio_s: figures.try_get("audio_s")?,
            failures: self.failures(rows).await?,
        })
    }

    async fn sending(&self, rows: i64) -> Result<Vec<InFlightRecording>, StoreError> {
        let found = sqlx::query(
            "SELECT j.id, r.relative, r.size_bytes, r.duration_s, j.updated_at AS since, NULL AS expires_at
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'submitting' ORDER BY j.id LIMIT ?1",
        )
        .bind(rows)
        .fetch_all(self.readers())
        .await?;
        found.iter().map(in_flight).collect()
    }

    async fn at_service(&self, rows: i64) -> Result<Vec<InFlightRecording>, StoreError> {
        let found = sqlx::query(
            "SELECT j.id, r.relative, r.size_bytes, r.duration_s, j.accepted_at AS since, j.expires_at
             FROM jobs j INDEXED BY jobs_pending JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'pending' ORDER BY j.expires_at LIMIT ?1",
        )
        .bind(rows)
        .fetch_all(self.readers())
        .await?;
        found.iter().map(in_flight).collect()
    }

    async fn waiting(&self, now: Timestamp) -> Result<Vec<WaitingJobs>, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH RECURSIVE {PRIORITIES},
             head AS MATERIALIZED (
                 SELECT j.recording_id, j.duplicate_of, j.paid_mark FROM priorities p CROSS JOIN jobs j INDEXED BY jobs_queued
                 ON j.state = 'queued' AND j.priority = p.priority AND j.due_at <= ?1
                 WHERE j.uncertain_attempt_id IS NULL AND j.error_class IS NOT 'budget' LIMIT ?2)
             SELECT r.source, r.kind = 'file' AS are_files,
                    EXISTS (SELECT 1 FROM jobs t WHERE t.id = j.duplicate_of
                            AND (t.state IN ('submitting', 'pending') OR t.uncertain_attempt_id NOT NULL)) AS have_twin,
                    {IS_HELD} AS look_paid, count(*) AS jobs
             FROM head j CROSS JOIN recordings r ON r.id = j.recording_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )))
        .bind(now.millis())
        .bind(row::to_integer(HEAD_LIMIT))
        .fetch_all(self.readers())
        .await?;
        let waiting = |found: &SqliteRow| {
            Ok(WaitingJobs {
                source: found.try_get("source")?,
                are_files: row::is_set(found, "are_files")?,
                have_duplicate: row::is_set(found, "have_twin")?,
                look_paid: row::is_set(found, "look_paid")?,
                jobs: row::count(found, "jobs")?,
            })
        };
        found.iter().map(waiting).collect()
    }

    /// Reads, for each priority, only the index range of jobs not yet due.
    async fn figures(&self, now: Timestamp, since: Timestamp) -> Result<SqliteRow, StoreError> {
        let figures = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH RECURSIVE {PRIORITIES},
             later AS MATERIALIZED (
                 SELECT j.due_at FROM priorities p CROSS JOIN jobs j INDEXED BY jobs_queued
                 ON j.state = 'queued' AND j.priority = p.priority AND j.due_at > ?1
                 WHERE j.uncertain_attempt_id IS NULL AND j.error_class IS NOT 'budget' LIMIT ?2),
             recent AS MATERIALIZED (
                 SELECT billed_s FROM attempts
                 WHERE outcome = 'completed' AND ended_at >= ?3 AND id > (SELECT max(id) - ?4 FROM attempts))
             SELECT (SELECT count(*) FROM later) AS later, (SELECT min(due_at) FROM later) AS next_due,
                    (SELECT count(*) FROM jobs WHERE uncertain_attempt_id IS NOT NULL) AS in_doubt,
                    (SELECT count(*) FROM recent) AS files,
                    (SELECT total(billed_s) FROM recent) AS audio_s"
        )))
        .bind(now.millis())
        .bind(row::to_integer(HEAD_LIMIT))
        .bind(since.millis())
        .bind(RECENT_ATTEMPTS)
        .fetch_one(self.readers())
        .await?;
        Ok(figures)
    }

    /// Searches the newest failed jobs and the newest attempts with an error.
    async fn failures(&self, rows: i64) -> Result<Vec<RecentFailure>, StoreError> {
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
        .bind(FAILURE_CANDIDATES)
        .fetch_all(self.readers())
        .await?;
        let failed = |found: &SqliteRow| {
            let missing = StoreError::Content {
                column: "error_class",
            };
            Ok(RecentFailure {
                job: JobId(found.try_get("id")?),
                relative: row::path(found, "relative")?,
                failure: row::failure(found)?.ok_or(missing)?,
                at: row::time(found, "updated_at")?,
            })
        };
        found.iter().map(failed).collect()
    }
}

fn in_flight(found: &SqliteRow) -> Result<InFlightRecording, StoreError> {
    Ok(InFlightRecording {
        job: JobId(found.try_get("id")?),
        relative: row::path(found, "relative")?,
        size_bytes: row::count(found, "size_bytes")?,
        duration_s: found.try_get("duration_s")?,
        since: row::time(found, "since")?,
        expires_at: row::time_or_none(found, "expires_at")?,
    })
}
