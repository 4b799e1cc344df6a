//! What the stages ask: what may be submitted, what is pending, what is to be written, what is left.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Location;
use super::row;
use crate::domain::{
    AttemptId, ErrorClass, GenerationId, Hold, JobId, RecordingId, Request, Timestamp,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A queued job whose turn it is.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The job.
    pub job: JobId,
    /// Its source's name.
    pub source: String,
    /// Where its audio is.
    pub location: Location,
    /// Its path in the source.
    pub relative: PathBuf,
    /// Size when it was recorded, in bytes.
    pub size_bytes: u64,
    /// Time of its last change when it was recorded.
    pub modified: Timestamp,
    /// What is asked of the service.
    pub request: Request,
    /// Attempts spent so far.
    pub attempts: u32,
    /// Whether its file could not be read when it was looked at last.
    pub was_unreadable: bool,
}

/// A generation at the service.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The job.
    pub job: JobId,
    /// The attempt it came from.
    pub attempt: AttemptId,
    /// What the service calls it.
    pub generation: GenerationId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When the service forgets it.
    pub expires_at: Timestamp,
    /// Attempts spent, with this one.
    pub attempts: u32,
    /// Its model.
    pub model: String,
    /// Its length in seconds, where known.
    pub duration_s: Option<f64>,
    /// Its path in the source.
    pub relative: PathBuf,
}

/// A job whose result is stored and whose files are to be written.
#[derive(Debug, Clone)]
pub struct Received {
    /// The job.
    pub job: JobId,
    /// The recording.
    pub recording: RecordingId,
    /// Its source's name.
    pub source: String,
    /// Where its audio is.
    pub location: Location,
    /// Its path in the source.
    pub relative: PathBuf,
    /// The name of its transcripts, without extension.
    pub base: OsString,
    /// What was asked of the service.
    pub request: Request,
    /// Of the audio.
    pub sha256: Option<String>,
    /// What the service called it.
    pub generation: Option<GenerationId>,
    /// Time of the recording's last change; the epoch for a URL.
    pub modified: Timestamp,
    /// When the recording was recorded.
    pub recorded_at: Timestamp,
    /// When the service accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When the result came.
    pub received_at: Timestamp,
    /// Size of the result as it is stored, in bytes.
    pub packed_bytes: u64,
}

#[cfg(test)]
impl Received {
    /// That of a recording with the same number as its job.
    pub(crate) fn of_job(job: i64) -> Self {
        Self {
            job: JobId(job),
            recording: RecordingId(job),
            source: String::new(),
            location: Location::File(PathBuf::new()),
            relative: PathBuf::new(),
            base: "a".into(),
            request: Request::from_json("m".to_owned(), "{}").unwrap(),
            sha256: None,
            generation: None,
            modified: Timestamp::from_millis(0),
            recorded_at: Timestamp::from_millis(0),
            accepted_at: None,
            received_at: Timestamp::from_millis(0),
            packed_bytes: 0,
        }
    }
}

/// Which sources' jobs may be submitted.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Sources of the configuration: their URLs may be submitted.
    pub configured: Vec<String>,
    /// Those whose folder is there: their files may be, too.
    pub present: Vec<String>,
}

/// What a run still has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// There are queued jobs in the sources asked for.
    pub queued: bool,
    /// A lost answer is still to be looked up.
    pub in_doubt: bool,
    /// Something is being sent.
    pub submitting: bool,
    /// Something is at the service.
    pub pending: bool,
    /// Results wait to be written.
    pub received: bool,
}

/// The job's source is within reach: `?2` those that are present, `?3` those configured.
const REACHED: &str = "(r.source IN (SELECT value FROM json_each(?2))
    OR (r.kind = 'url' AND r.source IN (SELECT value FROM json_each(?3))))";

/// A job may be sent: nothing equal is on its way, and no earlier job of the same recording either.
const FREE: &str =
    "NOT EXISTS (SELECT 1 FROM jobs t WHERE t.id = j.twin AND t.state IN ('submitting', 'pending'))
    AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.recording_id = j.recording_id AND e.id < j.id
                    AND e.state IN ('submitting', 'pending', 'received'))";

// `LIMIT +?`, here and elsewhere where a statement runs often: SQLite compiles one with a bare `LIMIT ?` anew each time it
// runs, as its plan may follow the number.

impl Store {
    /// Queued jobs within `reach` that are due and not `in_hand`, by priority, then by time; at most `limit`. Read in the
    /// order of an index that must be named: SQLite would rather read and sort the whole queue.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn candidates(
        &self,
        reach: &Reach,
        now: Timestamp,
        in_hand: &HashSet<JobId>,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT j.id, r.source, r.kind, r.location, r.relative, r.size_bytes, r.modified_at, j.model, j.options,
                    j.attempts, j.error_class
             FROM jobs j INDEXED BY jobs_queued JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.doubt IS NULL AND j.due_at <= ?1 AND {REACHED} AND {FREE}
                   AND j.id NOT IN (SELECT value FROM json_each(?5))
             ORDER BY j.priority DESC, j.due_at, j.id LIMIT +?4"
        )))
        .bind(now.millis())
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .bind(row::size(limit as u64))
        .bind(row::numbers(in_hand.iter().map(|job| job.0)))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(candidate).collect()
    }

    /// When the next queued job within `reach` that is not due yet will be; `None` if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_due(
        &self,
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT min(j.due_at) FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.doubt IS NULL AND j.due_at > ?1 AND {REACHED}"
        )))
        .bind(now.millis())
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .fetch_one(self.readers())
        .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// Every generation at the service, nearest expiry first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        // All at one moment.
        let mut reading = self.readers().begin().await?;
        let mut all: Vec<Pending> = Vec::new();
        loop {
            let page = pending_after(&mut reading, all.last()).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Results whose files may be written at `now`, but for those of recordings `in_hand`, oldest first; at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn received(
        &self,
        now: Timestamp,
        in_hand: &HashSet<RecordingId>,
        limit: usize,
    ) -> Result<Vec<Received>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.recording_id, r.source, r.kind, r.location, r.relative, r.base, j.model, j.options,
                    j.sha256, j.generation_id, r.modified_at, r.recorded_at, j.accepted_at, s.received_at,
                    length(s.raw) AS packed_bytes
             FROM jobs j JOIN recordings r ON r.id = j.recording_id JOIN results s ON s.job_id = j.id
             WHERE j.state = 'received' AND j.due_at <= ?1
                   AND j.recording_id NOT IN (SELECT value FROM json_each(?3))
             ORDER BY j.id LIMIT +?2",
        )
        .bind(now.millis())
        .bind(row::size(limit as u64))
        .bind(row::numbers(in_hand.iter().map(|recording| recording.0)))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(received).collect()
    }

    /// The job with its result, in whatever state it is; `None` if it has no result.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn with_result(&self, job: JobId) -> Result<Option<Received>, StoreError> {
        let found = sqlx::query(
            "SELECT j.id, j.recording_id, r.source, r.kind, r.location, r.relative, r.base, j.model, j.options,
                    j.sha256, j.generation_id, r.modified_at, r.recorded_at, j.accepted_at, s.received_at,
                    length(s.raw) AS packed_bytes
             FROM jobs j JOIN recordings r ON r.id = j.recording_id JOIN results s ON s.job_id = j.id
             WHERE j.id = ?1",
        )
        .bind(job.0)
        .fetch_optional(self.readers())
        .await?;
        found.as_ref().map(received).transpose()
    }

    /// Every job that has a result, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn jobs_with_result(&self) -> Result<Vec<JobId>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT job_id FROM results ORDER BY job_id")
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// What is left to do, of the queue only what is within `reach`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn left(&self, reach: &Reach) -> Result<Left, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT EXISTS (SELECT 1 FROM jobs j JOIN recordings r ON r.id = j.recording_id
                            WHERE j.state = ?1 AND {REACHED}) AS queued,
                    EXISTS (SELECT 1 FROM jobs WHERE doubt IS NOT NULL) AS in_doubt,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'submitting') AS submitting,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'pending') AS pending,
                    EXISTS (SELECT 1 FROM jobs WHERE state = 'received') AS received"
        )))
        .bind("queued")
        .bind(names(&reach.present))
        .bind(names(&reach.configured))
        .fetch_one(self.readers())
        .await?;
        Ok(Left {
            queued: row::is_set(&found, "queued")?,
            in_doubt: row::is_set(&found, "in_doubt")?,
            submitting: row::is_set(&found, "submitting")?,
            pending: row::is_set(&found, "pending")?,
            received: row::is_set(&found, "received")?,
        })
    }

    /// When writing of the next received job is tried again, if it waits for a time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_writing(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due_at) FROM jobs WHERE state = 'received'")
                .fetch_one(self.readers())
                .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// The holds in force.
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
                    kind: row::parsed(found, "kind")?,
                    since: row::time(found, "since")?,
                    ends: row::time_or_none(found, "ends_at")?,
                    message: found.try_get("message")?,
                })
            })
            .collect()
    }
}

fn names(sources: &[String]) -> String {
    serde_json::Value::from(sources).to_string()
}

fn attempts(row: &SqliteRow) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<i64, _>("attempts")?)
        .map_err(|_| StoreError::Content { column: "attempts" })
}

fn candidate(found: &SqliteRow) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        job: JobId(found.try_get("id")?),
        source: found.try_get("source")?,
        location: Location::read(found)?,
        relative: row::path(found, "relative")?,
        size_bytes: row::count(found, "size_bytes")?,
        modified: row::time(found, "modified_at")?,
        request: row::request(found)?,
        attempts: attempts(found)?,
        was_unreadable: found.try_get::<Option<&str>, _>("error_class")?
            == Some(ErrorClass::Unreadable.as_str()),
    })
}

/// Generations that are read at once. There may be a hundred thousand: a row that is handed from SQLite's thread costs more
/// than to read it, and one text of them all would take as much memory again.
const PAGE: usize = 1000;

/// The next page of what is pending; the first if there was none before.
async fn pending_after(
    connection: &mut SqliteConnection,
    last: Option<&Pending>,
) -> Result<Vec<Pending>, StoreError> {
    let (expires_at, job) =
        last.map_or((i64::MIN, 0), |last| (last.expires_at.millis(), last.job.0));
    let page: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(id, attempt, hex(generation_id), accepted_at, expires_at, attempts,
                                            model, duration_s, hex(relative))) FROM (
             SELECT j.id, j.generation_id, j.accepted_at, j.expires_at, j.attempts, j.model, r.duration_s,
                    r.relative, (SELECT max(id) FROM attempts a WHERE a.job_id = j.id) AS attempt
             FROM jobs j INDEXED BY jobs_pending JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'pending' AND (j.expires_at, j.id) > (?1, ?2)
             ORDER BY j.expires_at, j.id LIMIT +?3)",
    )
    .bind(expires_at)
    .bind(job)
    .bind(row::size(PAGE as u64))
    .fetch_one(connection)
    .await?;
    row::list(&page)?.into_iter().map(pending).collect()
}

/// A generation as a page has it; the ID and the path in hexadecimal digits, as neither need be text that JSON takes.
type PendingRow = (i64, i64, String, i64, i64, u32, String, Option<f64>, String);

fn pending(found: PendingRow) -> Result<Pending, StoreError> {
    let (job, attempt, generation, accepted_at, expires_at, attempts, model, duration_s, relative) =
        found;
    let damaged = |column| StoreError::Content { column };
    let generation = hex::decode(generation).ok();
    let generation = generation.and_then(|id| GenerationId::new(String::from_utf8(id).ok()?));
    let relative = hex::decode(relative).map_err(|_| damaged("relative"))?;
    Ok(Pending {
        job: JobId(job),
        attempt: AttemptId(attempt),
        generation: generation.ok_or_else(|| damaged("generation_id"))?,
        accepted_at: Timestamp::from_millis(accepted_at),
        expires_at: Timestamp::from_millis(expires_at),
        attempts,
        model,
        duration_s,
        relative: PathBuf::from(OsString::from_vec(relative)),
    })
}

fn received(found: &SqliteRow) -> Result<Received, StoreError> {
    Ok(Received {
        job: JobId(found.try_get("id")?),
        recording: RecordingId(found.try_get("recording_id")?),
        source: found.try_get("source")?,
        location: Location::read(found)?,
        relative: row::path(found, "relative")?,
        base: OsString::from_vec(found.try_get("base")?),
        request: row::request(found)?,
        sha256: found.try_get("sha256")?,
        generation: row::generation(found)?,
        modified: row::time(found, "modified_at")?,
        recorded_at: row::time(found, "recorded_at")?,
        accepted_at: row::time_or_none(found, "accepted_at")?,
        received_at: row::time(found, "received_at")?,
        packed_bytes: row::count(found, "packed_bytes")?,
    })
}
