//! Queries of the pipeline stages: candidates, pending jobs, received results, remaining work.

use crate::domain::{
    AttemptId, AwaitedResults, ErrorClass, GenerationId, Hold, Job, JobId, PaidMark, Recording,
    RecordingHash, RecordingId, Request, Timestamp,
};
use crate::store::error::StoreError;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// A queued job that may be submitted.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The job.
    pub job: Job,
    /// Recording ID.
    pub recording_id: RecordingId,
    /// Its recording.
    pub recording: Recording,
    /// Whether the file could not be read the last time.
    pub was_unreadable: bool,
    /// Evidence that the recording is paid for already.
    pub paid_mark: Option<PaidMark>,
    /// Whether it is submitted although its file is truncated.
    pub as_is: bool,
    /// Known length of the recording.
    pub length: KnownLength,
}

/// Known length of a recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KnownLength {
    /// Seconds, if known.
    pub duration_s: Option<f64>,
    /// Readers that could not tell it.
    pub unknown_to: Option<String>,
}

/// A job pending at the service. A hundred thousand may be in memory, so this is not a whole [`Job`] with its
/// [`Recording`], but what a poll needs of them.
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

/// A job with a stored result whose files are to be written.
#[derive(Debug, Clone)]
pub struct ReceivedJob {
    /// Job ID.
    pub job: JobId,
    /// Recording ID.
    pub recording_id: RecordingId,
    /// The recording.
    pub recording: Recording,
    /// Base name of the transcripts, without extension.
    pub base_name: OsString,
    /// Model and options.
    pub request: Request,
    /// Hashes of the recording, if known.
    pub hash: Option<RecordingHash>,
    /// Generation ID at the service.
    pub generation: Option<GenerationId>,
    /// Time the recording was added to the queue.
    pub recorded_at: Timestamp,
    /// Time of the acceptance.
    pub accepted_at: Option<Timestamp>,
    /// Time of the result.
    pub received_at: Timestamp,
    /// Size of the compressed result in bytes.
    pub compressed_bytes: u64,
    /// Length of the recording in seconds, as measured before the submission, if known.
    pub measured_s: Option<f64>,
    /// Job whose transcript stays unless this one is better.
    pub rival: Option<JobId>,
}

#[cfg(test)]
impl ReceivedJob {
    /// Returns a result whose recording has the same ID as its job.
    pub(crate) fn for_job(job: i64) -> Self {
        Self {
            job: JobId(job),
            recording_id: RecordingId(job),
            recording: Recording {
                source: "".into(),
                location: crate::domain::Location::File(PathBuf::new()),
                relative: PathBuf::new(),
                revision: crate::domain::Revision {
                    size_bytes: 0,
                    modified: Timestamp::from_millis(0),
                },
            },
            base_name: "a".into(),
            request: Request::from_json("m".to_owned(), "{}").unwrap(),
            hash: None,
            generation: None,
            recorded_at: Timestamp::from_millis(0),
            accepted_at: None,
            received_at: Timestamp::from_millis(0),
            compressed_bytes: 0,
            measured_s: None,
            rival: None,
        }
    }
}

/// Sources whose jobs may be submitted.
#[derive(Debug, Clone, Default)]
pub struct ReachableSources {
    /// Sources in the configuration. Their URLs may be submitted.
    pub configured: Vec<String>,
    /// Sources whose folder exists. Their files may be submitted, too.
    pub present: Vec<String>,
    /// The only jobs that may be submitted. `None` allows all.
    pub only: Option<Vec<JobId>>,
}

/// Work that remains for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemainingWork {
    /// Whether jobs are queued in the sources within reach.
    pub queued: bool,
    /// Whether an uncertain submission is to be looked up.
    pub uncertain: bool,
    /// Whether a job is being sent.
    pub submitting: bool,
    /// Whether a job is pending at the service.
    pub pending: bool,
    /// Whether results are to be written.
    pub received: bool,
}

/// SQL condition: the source of the job is present (`?2`), or it is a URL of a configured source (`?3`).
const REACHABLE: &str = "(r.source IN (SELECT value FROM json_each(?2))
    OR (r.kind = 'url' AND r.source IN (SELECT value FROM json_each(?3))))";

/// Returns the SQL condition that the job is one of those in the parameter of this number, unless that is NULL.
fn among(parameter: u32) -> String {
    format!("(?{parameter} IS NULL OR j.id IN (SELECT value FROM json_each(?{parameter})))")
}

impl ReachableSources {
    /// Returns the parameter of [`among`].
    fn only_ids(&self) -> Option<String> {
        let only = self.only.as_ref();
        only.map(|jobs| row::json_ids(jobs.iter().map(|job| job.0)))
    }
}

/// SQL condition: the job does not wait for the budget.
const WITHIN_BUDGET: &str = "j.error_class IS NOT 'budget'";

/// Columns of a [`Candidate`].
pub(crate) const CANDIDATE: &str =
    "j.id, r.source, r.kind, r.location, r.relative, r.size_bytes, r.modified_at, j.model,
    j.options, j.attempts, j.error_class, j.paid_mark, j.as_is, r.id AS recording_id, r.duration_s, r.length_unknown_to";

/// SQL condition: neither a duplicate nor an earlier job of the same recording is in flight or uncertain.
const UNBLOCKED: &str = "NOT EXISTS (SELECT 1 FROM jobs t WHERE t.id = j.duplicate_of
                 AND (t.state IN ('submitting', 'pending') OR t.uncertain_attempt_id NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.recording_id = j.recording_id AND e.id < j.id
                    AND (e.state IN ('submitting', 'pending', 'received') OR e.uncertain_attempt_id NOT NULL))";

// `LIMIT +?`, here and in other frequent statements: SQLite recompiles a statement with a bare `LIMIT ?` on
// each run, because its plan may depend on the number.

impl Store {
    /// Returns due jobs within `reach`, by priority, then by due time, at most `limit`.
    ///
    /// Jobs in `exclude` are left out, those that wait for the budget or whose source is held, and those of `closed_models`,
    /// which are canonical names.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn candidates(
        &self,
        reach: &ReachableSources,
        now: Timestamp,
        exclude: &HashSet<JobId>,
        closed_models: &[String],
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let among = among(7);
        // The index is named because SQLite would otherwise read and sort the whole queue.
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {CANDIDATE}
             FROM jobs j INDEXED BY jobs_queued JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.uncertain_attempt_id IS NULL AND j.due_at <= ?1 AND {WITHIN_BUDGET}
                   AND {REACHABLE} AND {among} AND {UNBLOCKED} AND NOT {IS_HELD} AND j.id NOT IN (SELECT value FROM json_each(?5))
                   AND (?6 = '[]' OR j.model_key NOT IN (SELECT value FROM json_each(?6)))
             ORDER BY j.priority DESC, j.due_at, j.id LIMIT +?4"
        )))
        .bind(now.millis())
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .bind(row::to_integer(limit as u64))
        .bind(row::json_ids(exclude.iter().map(|job| job.0)))
        .bind(names(closed_models))
        .bind(reach.only_ids())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(candidate).collect()
    }

    /// Returns whether any job is queued.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_queued(&self) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' LIMIT 1",
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(found.is_some())
    }

    /// Returns the next due time after `now` of a queued job within `reach`; `None` if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_due(
        &self,
        reach: &ReachableSources,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let among = among(4);
        let due: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT min(j.due_at) FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.uncertain_attempt_id IS NULL AND j.due_at > ?1 AND {WITHIN_BUDGET}
                   AND {REACHABLE} AND {among} AND NOT {IS_HELD}"
        )))
        .bind(now.millis())
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .bind(reach.only_ids())
        .fetch_one(self.readers())
        .await?;
        Ok(due.map(Timestamp::from_millis))
    }

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

    /// Returns results whose files may be written at `now`, oldest first, at most `limit`.
    ///
    /// Results of recordings in `exclude` are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn received(
        &self,
        now: Timestamp,
        exclude: &HashSet<RecordingId>,
        limit: usize,
    ) -> Result<Vec<ReceivedJob>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.recording_id, r.source, r.kind, r.location, r.relative, r.base_name, j.model, j.options,
                    j.sha256, j.sound_hash, j.generation_id, r.size_bytes, r.modified_at, r.recorded_at, j.accepted_at, s.received_at,
                    length(s.raw) AS packed_bytes, r.duration_s,
                    CASE WHEN j.keep_better = 1 THEN j.retry_of END AS rival
             FROM jobs j JOIN recordings r ON r.id = j.recording_id JOIN results s ON s.job_id = j.id
             WHERE j.state = 'received' AND j.due_at <= ?1
                   AND j.recording_id NOT IN (SELECT value FROM json_each(?3))
             ORDER BY j.id LIMIT +?2",
        )
        .bind(now.millis())
        .bind(row::to_integer(limit as u64))
        .bind(row::json_ids(exclude.iter().map(|recording| recording.0)))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(received).collect()
    }

    /// Returns the jobs that have a result, in any state.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn with_results(
        &self,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, ReceivedJob>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.recording_id, r.source, r.kind, r.location, r.relative, r.base_name, j.model, j.options,
                    j.sha256, j.sound_hash, j.generation_id, r.size_bytes, r.modified_at, r.recorded_at, j.accepted_at, s.received_at,
                    length(s.raw) AS packed_bytes, r.duration_s,
                    CASE WHEN j.keep_better = 1 THEN j.retry_of END AS rival
             FROM jobs j JOIN recordings r ON r.id = j.recording_id JOIN results s ON s.job_id = j.id
             WHERE j.id IN (SELECT value FROM json_each(?1))",
        )
        .bind(row::json_ids(jobs.iter().map(|job| job.0)))
        .fetch_all(self.readers())
        .await?;
        let found = rows.iter().map(received);
        found.map(|job| job.map(|job| (job.job, job))).collect()
    }

    /// Returns all jobs that have a result, oldest first. Those whose result was set aside are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn jobs_with_result(&self) -> Result<Vec<JobId>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT job_id FROM results JOIN jobs ON jobs.id = job_id WHERE set_aside = 0 ORDER BY job_id",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// Returns the remaining work. Queued jobs count only within `reach`, and not if they wait for the budget, their source is
    /// held, or their model is in `given_up`, which has canonical names.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remaining_work(
        &self,
        reach: &ReachableSources,
        given_up: &[String],
    ) -> Result<RemainingWork, StoreError> {
        let among = among(5);
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT EXISTS (SELECT 1 FROM jobs j JOIN recordings r ON r.id = j.recording_id
                            WHERE j.state = ?1 AND {WITHIN_BUDGET} AND {REACHABLE} AND {among} AND NOT {IS_HELD}
                                  AND (?4 = '[]' OR j.model_key NOT IN (SELECT value FROM json_each(?4)))) AS queued,
                    EXISTS (SELECT 1 FROM jobs WHERE uncertain_attempt_id IS NOT NULL) AS in_doubt,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'submitting') AS submitting,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'pending') AS pending,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'received') AS received"
        )))
        .bind("queued")
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .bind(names(given_up))
        .bind(reach.only_ids())
        .fetch_one(self.readers())
        .await?;
        Ok(RemainingWork {
            queued: row::is_set(&found, "queued")?,
            uncertain: row::is_set(&found, "in_doubt")?,
            submitting: row::is_set(&found, "submitting")?,
            pending: row::is_set(&found, "pending")?,
            received: row::is_set(&found, "received")?,
        })
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

    /// Returns the paid results that are still at the service.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn awaited_results(&self) -> Result<AwaitedResults, StoreError> {
        let found = sqlx::query(
            "SELECT count(*) AS pending, min(expires_at) AS first_expiry, max(expires_at) AS last_expiry,
                    (SELECT count(*) FROM jobs
                     WHERE state = 'submitting' OR uncertain_attempt_id IS NOT NULL) AS uncertain
             FROM jobs WHERE state = 'pending'",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(AwaitedResults {
            pending: row::count(&found, "pending")?,
            uncertain: row::count(&found, "uncertain")?,
            first_expiry: row::time_or_none(&found, "first_expiry")?,
            last_expiry: row::time_or_none(&found, "last_expiry")?,
        })
    }

    /// Returns the earliest time at which files of a received job are to be written.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_write(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due_at) FROM jobs WHERE state = 'received'")
                .fetch_one(self.readers())
                .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// Returns the holds in force that concern all sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let rows =
            sqlx::query("SELECT kind, since, ends_at, message FROM holds ORDER BY since, kind")
                .fetch_all(self.readers())
                .await?;
        rows.iter()
            .map(|found| {
                Ok(Hold {
                    kind: row::parse(found, "kind")?,
                    source: None,
                    since: row::time(found, "since")?,
                    ends: row::time_or_none(found, "ends_at")?,
                    message: found.try_get("message")?,
                })
            })
            .collect()
    }
}

fn names(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

fn attempts(row: &SqliteRow) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<i64, _>("attempts")?)
        .map_err(|_| StoreError::Content { column: "attempts" })
}

pub(crate) fn candidate(found: &SqliteRow) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        job: Job {
            id: JobId(found.try_get("id")?),
            request: row::request(found)?,
            attempts: attempts(found)?,
        },
        recording: row::recording(found)?,
        was_unreadable: found.try_get::<Option<&str>, _>("error_class")?
            == Some(ErrorClass::Unreadable.as_str()),
        paid_mark: row::parse_or_none(found, "paid_mark")?,
        as_is: row::is_set(found, "as_is")?,
        recording_id: RecordingId(found.try_get("recording_id")?),
        length: KnownLength {
            duration_s: found.try_get("duration_s")?,
            unknown_to: found.try_get("length_unknown_to")?,
        },
    })
}

/// Number of pending jobs in a page.
///
/// There may be a hundred thousand. Passing a row from SQLite's thread costs more than reading it. One text for
/// all of them would take as much memory again.
const PAGE: usize = 1000;

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

fn received(found: &SqliteRow) -> Result<ReceivedJob, StoreError> {
    Ok(ReceivedJob {
        job: JobId(found.try_get("id")?),
        recording_id: RecordingId(found.try_get("recording_id")?),
        recording: row::recording(found)?,
        base_name: OsString::from_vec(found.try_get("base_name")?),
        request: row::request(found)?,
        hash: recording_hash(found)?,
        generation: row::generation(found)?,
        recorded_at: row::time(found, "recorded_at")?,
        accepted_at: row::time_or_none(found, "accepted_at")?,
        received_at: row::time(found, "received_at")?,
        compressed_bytes: row::count(found, "packed_bytes")?,
        measured_s: found.try_get("duration_s")?,
        rival: found.try_get::<Option<i64>, _>("rival")?.map(JobId),
    })
}

fn recording_hash(found: &SqliteRow) -> Result<Option<RecordingHash>, StoreError> {
    let (sha256, sound) = (found.try_get("sha256")?, found.try_get("sound_hash")?);
    Ok(Option::map(sha256, |sha256| RecordingHash {
        sha256,
        sound,
    }))
}
