//! Queued jobs that may be submitted.

use super::reachable::{REACHABLE, ReachableSources, WITHIN_BUDGET, among, json_names};
use crate::domain::{ErrorClass, Job, JobId, PaidMark, Recording, RecordingId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::HashSet;

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
        .bind(json_names(&reach.present))
        .bind(json_names(&reach.configured))
        .bind(row::to_integer(limit as u64))
        .bind(row::json_ids(exclude.iter().map(|job| job.0)))
        .bind(json_names(closed_models))
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
        .bind(json_names(&reach.present))
        .bind(json_names(&reach.configured))
        .bind(reach.only_ids())
        .fetch_one(self.readers())
        .await?;
        Ok(due.map(Timestamp::from_millis))
    }
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

fn attempts(row: &SqliteRow) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<i64, _>("attempts")?)
        .map_err(|_| StoreError::Content { column: "attempts" })
}
