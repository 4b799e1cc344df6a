//! Jobs whose result is stored.

use crate::domain::{
    GenerationId, JobId, Recording, RecordingHash, RecordingId, Request, Timestamp,
};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

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
                location: crate::domain::Location::File(std::path::PathBuf::new()),
                relative: std::path::PathBuf::new(),
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

/// Query of [`ReceivedJob`]s, without its condition.
const RECEIVED: &str = "SELECT j.id, j.recording_id, r.source, r.kind, r.location, r.relative, r.base_name, j.model, j.options,
           j.sha256, j.sound_hash, j.generation_id, r.size_bytes, r.modified_at, r.recorded_at, j.accepted_at, s.received_at,
           length(s.raw) AS packed_bytes, r.duration_s,
           CASE WHEN j.keep_better = 1 THEN j.retry_of END AS rival
    FROM jobs j JOIN recordings r ON r.id = j.recording_id JOIN results s ON s.job_id = j.id";

impl Store {
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
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{RECEIVED} WHERE j.state = 'received' AND j.due_at <= ?1
                   AND j.recording_id NOT IN (SELECT value FROM json_each(?3))
             ORDER BY j.id LIMIT +?2"
        )))
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
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{RECEIVED} WHERE j.id IN (SELECT value FROM json_each(?1))"
        )))
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
