//! Jobs pending at the service.

use crate::domain::{AttemptId, GenerationId, JobId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::SqliteConnection;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Number of pending jobs in a page.
///
/// There may be a hundred thousand. Passing a row from SQLite's thread costs more than reading it. One text for
/// all of them would take as much memory again.
const PAGE: usize = 1000;

/// A job pending at the service. A hundred thousand may be in memory, so this is not a whole
/// [`Job`](crate::domain::Job) with its [`Recording`](crate::domain::Recording), but what a poll needs of them.
#[derive(Debug, Clone)]
pub struct PendingJob {
    /// Job ID.
    pub job: JobId,
    /// Attempt that was accepted.
    pub attempt: AttemptId,
    /// Generation ID at the service.
    pub generation: GenerationId,
    /// Time of the acceptance.
    pub accepted_at: Timestamp,
    /// Expiry at the service.
    pub expires_at: Timestamp,
    /// Number of attempts spent, including this one.
    pub attempts: u32,
    /// Model.
    pub model: String,
    /// Duration in seconds, if known.
    pub duration_s: Option<f64>,
    /// SHA-256 of what was sent, if known.
    pub sha256: Option<Box<str>>,
    /// Whether an answer that could not be used is kept.
    pub has_unusable_answer: bool,
    /// Path relative to the source.
    pub relative: PathBuf,
}

#[cfg(test)]
impl PendingJob {
    /// Returns a job that was accepted at the epoch, with an attempt of the same ID.
    pub(crate) fn for_job(job: i64, expires_at: Timestamp) -> Self {
        Self {
            job: JobId(job),
            attempt: AttemptId(job),
            generation: GenerationId::new(format!("g{job}")).unwrap(),
            accepted_at: Timestamp::from_millis(0),
            expires_at,
            attempts: 1,
            model: "m".to_owned(),
            duration_s: None,
            sha256: None,
            has_unusable_answer: false,
            relative: PathBuf::new(),
        }
    }
}

impl Store {
    /// Reads all pending jobs, nearest expiry first, and sends them page by page. The last page is empty. Ends early if nobody
    /// receives them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read_pending(
        &self,
        pages: &mpsc::Sender<Result<Vec<PendingJob>, StoreError>>,
    ) -> Result<(), StoreError> {
        // One transaction, so that all pages show the same state.
        let mut reading = self.readers().begin().await?;
        let mut last = None;
        loop {
            let page = pending_after(&mut reading, last).await?;
            last = page.last().map(|last| (last.expires_at, last.job));
            let is_last = page.is_empty();
            if pages.send(Ok(page)).await.is_err() || is_last {
                return Ok(());
            }
        }
    }

    /// Returns the latest expiry of a pending generation.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let expiry: Option<i64> =
            sqlx::query_scalar("SELECT max(expires_at) FROM jobs WHERE state = 'pending'")
                .fetch_one(self.readers())
                .await?;
        Ok(expiry.map(Timestamp::from_millis))
    }
}

/// Returns the page of pending jobs after `last`, or the first page.
async fn pending_after(
    connection: &mut SqliteConnection,
    last: Option<(Timestamp, JobId)>,
) -> Result<Vec<PendingJob>, StoreError> {
    let (expires_at, job) = last.map_or((i64::MIN, 0), |(expires_at, job)| {
        (expires_at.millis(), job.0)
    });
    let page: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(id, attempt, hex(generation_id), accepted_at, expires_at, attempts,
                                            model, duration_s,
                                            coalesce((SELECT a.sent_sha256 FROM attempts a WHERE a.id = attempt), sha256),
                                            EXISTS (SELECT 1 FROM unusable_answers u WHERE u.attempt_id = attempt AND u.job_id = id),
                                            hex(relative))) FROM (
             SELECT j.id, j.generation_id, j.accepted_at, j.expires_at, j.attempts, j.model, r.duration_s,
                    j.sha256, r.relative, (SELECT max(id) FROM attempts a WHERE a.job_id = j.id) AS attempt
             FROM jobs j INDEXED BY jobs_pending JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'pending' AND (j.expires_at, j.id) > (?1, ?2)
             ORDER BY j.expires_at, j.id LIMIT +?3)",
    )
    .bind(expires_at)
    .bind(job)
    .bind(row::to_integer(PAGE as u64))
    .fetch_one(connection)
    .await?;
    row::parse_rows(&page)?.into_iter().map(pending).collect()
}

/// A pending job in a page. The generation ID and the path are in hex, as neither need be valid JSON text.
type PendingRow = (
    i64,
    i64,
    String,
    i64,
    i64,
    u32,
    String,
    Option<f64>,
    Option<Box<str>>,
    u8,
    String,
);

fn pending(found: PendingRow) -> Result<PendingJob, StoreError> {
    let (
        job,
        attempt,
        generation,
        accepted_at,
        expires_at,
        attempts,
        model,
        duration_s,
        sha256,
        unusable,
        relative,
    ) = found;
    let damaged = |column| StoreError::Content { column };
    let generation = hex::decode(generation).ok();
    let generation = generation.and_then(|id| GenerationId::new(String::from_utf8(id).ok()?));
    let relative = hex::decode(relative).map_err(|_| damaged("relative"))?;
    Ok(PendingJob {
        job: JobId(job),
        attempt: AttemptId(attempt),
        generation: generation.ok_or_else(|| damaged("generation_id"))?,
        accepted_at: Timestamp::from_millis(accepted_at),
        expires_at: Timestamp::from_millis(expires_at),
        attempts,
        model,
        duration_s,
        sha256,
        has_unusable_answer: unusable != 0,
        relative: PathBuf::from(OsString::from_vec(relative)),
    })
}
