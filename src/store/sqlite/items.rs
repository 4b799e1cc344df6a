//! Items for `list` and `show`.

use crate::domain::quality::Quality;
use crate::domain::{
    ErrorClass, Failure, GenerationId, Job, JobId, JobState, Location, Timestamp, Warning,
};
use crate::store::error::StoreError;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::quality::quality;
use crate::store::sqlite::row;
use crate::store::sqlite::warnings::warnings;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Selects jobs for a list.
#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    /// Only jobs in one of these states; any state if empty.
    pub states: Vec<JobState>,
    /// Only jobs of this source.
    pub source: Option<String>,
    /// Only jobs whose recording has this text in its path. ASCII letters match in any case.
    pub search: Option<String>,
    /// Only jobs changed since this time.
    pub changed_since: Option<Timestamp>,
    /// Only jobs with this class of their last error.
    pub error: Option<ErrorClass>,
    /// Only jobs whose recording has this language: the one that was requested, or the one that the service detected.
    pub language: Option<String>,
    /// Only jobs whose transcript has a mean confidence below this one.
    pub confidence_below: Option<f64>,
    /// Only jobs with IDs below this one.
    pub before: Option<JobId>,
    /// Maximum number of jobs.
    pub limit: Option<usize>,
}

/// A job, for display.
#[derive(Debug, Clone)]
pub struct Item {
    /// The job.
    pub job: Job,
    /// Name of the source.
    pub source: String,
    /// Location of the audio.
    pub location: Location,
    /// Path relative to the source.
    pub relative: PathBuf,
    /// State.
    pub state: JobState,
    /// Generation ID at the service.
    pub generation_id: Option<GenerationId>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Duration in seconds, if known: as billed, otherwise as read from the file.
    pub duration_s: Option<f64>,
    /// Whether that duration is an estimate.
    pub is_estimate: bool,
    /// Whether it is submitted although its file is truncated.
    pub as_is: bool,
    /// SHA-256 of the audio that was sent.
    pub sha256: Option<String>,
    /// Earliest time of the next attempt, if it is queued.
    pub due_at: Timestamp,
    /// Obstacles to the submission, if it is queued.
    pub obstacles: Obstacles,
    /// Time of the acceptance.
    pub accepted_at: Option<Timestamp>,
    /// Expiry at the service, if it is pending.
    pub expires_at: Option<Timestamp>,
    /// Last error.
    pub error: Option<Failure>,
    /// Whether the recording contains no speech; `None` without a result.
    pub silent: Option<bool>,
    /// Figures of the transcript. `None` without a result, and for results of earlier versions.
    pub quality: Option<Quality>,
    /// Job that paid for the result, if it is shared.
    pub paid_by: Option<JobId>,
    /// Job whose transcript this one was to replace, if it is a retry with another model.
    pub retry_of: Option<JobId>,
    /// Whether the transcript of `retry_of` is better, so that no file was written of this one.
    pub is_set_aside: bool,
    /// Warnings about the transcript.
    pub warnings: Vec<Warning>,
    /// Output files.
    pub outputs: Vec<PathBuf>,
    /// Creation time of the job.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// Obstacles to the submission of a queued job, other than its due time, its source and holds of all sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Obstacles {
    /// Whether the last submission is uncertain and is being looked up.
    pub is_uncertain: bool,
    /// Duplicate in flight.
    pub duplicate_of: Option<JobId>,
    /// Unfinished job of the same recording before it changed.
    pub earlier_job: Option<JobId>,
    /// Whether the recording, or its source, is held because it looks paid for.
    pub looks_paid: bool,
}

/// Returns the query of items, without a condition.
fn item_query() -> String {
    format!(
        "SELECT j.id, r.source, r.kind, r.location, r.relative, j.state, j.model, j.options, j.attempts,
        j.generation_id, r.size_bytes, coalesce(s.duration_s, r.duration_s) AS duration_s, j.sha256, j.due_at,
        s.duration_s IS NULL AND r.length_is_estimate AS is_estimate, j.as_is,
        j.uncertain_attempt_id IS NOT NULL AS in_doubt,
        (SELECT t.id FROM jobs t WHERE t.id = j.duplicate_of
         AND (t.state IN ('submitting', 'pending') OR t.uncertain_attempt_id NOT NULL)) AS duplicate_of,
        CASE WHEN j.state = 'queued' THEN
            (SELECT e.id FROM jobs e WHERE e.recording_id = j.recording_id AND e.id < j.id
             AND (e.state IN ('submitting', 'pending', 'received') OR e.uncertain_attempt_id NOT NULL)
             LIMIT 1) END AS earlier,
        j.state = 'queued' AND {IS_HELD} AS looks_paid,
        j.accepted_at, j.expires_at, j.error_class, j.error_message, j.warnings, s.silent, s.quality, s.paid_by, j.retry_of, j.set_aside, j.created_at,
        j.updated_at
    FROM jobs j JOIN recordings r ON r.id = j.recording_id LEFT JOIN results s ON s.job_id = j.id"
    )
}

impl Store {
    /// Returns jobs, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list(&self, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
        let limit = filter
            .limit
            .map_or(-1, |limit| row::to_integer(limit as u64));
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{} WHERE j.id IN ({}) ORDER BY j.id DESC LIMIT ?2",
            item_query(),
            selection(filter)
        )))
        .bind(&filter.source)
        .bind(limit)
        .bind(filter.before.map_or(i64::MAX, |job| job.0))
        .bind(&filter.search)
        .bind(filter.changed_since.map(Timestamp::millis))
        .bind(filter.error.map(ErrorClass::as_str))
        .bind(&filter.language)
        .bind(filter.confidence_below)
        .fetch_all(self.readers())
        .await?;
        self.items(&rows).await
    }

    /// Returns the IDs of jobs in an order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ordered_ids(
        &self,
        filter: &ItemFilter,
        order: ItemOrder,
    ) -> Result<Vec<JobId>, StoreError> {
        let all = ItemFilter {
            limit: None,
            ..filter.clone()
        };
        let (results, join) = match order.results() {
            Some(results) => (results, "LEFT JOIN s ON s.job_id = j.id"),
            None => ("SELECT 0", ""),
        };
        let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "WITH s AS MATERIALIZED ({results})
             SELECT j.id FROM jobs j JOIN recordings r ON r.id = j.recording_id {join}
             WHERE j.id IN ({}) ORDER BY {} LIMIT ?9",
            selection(&all),
            order.terms()
        )))
        .bind(&filter.source)
        .bind(-1)
        .bind(filter.before.map_or(i64::MAX, |job| job.0))
        .bind(&filter.search)
        .bind(filter.changed_since.map(Timestamp::millis))
        .bind(filter.error.map(ErrorClass::as_str))
        .bind(&filter.language)
        .bind(filter.confidence_below)
        .bind(
            filter
                .limit
                .map_or(-1, |limit| row::to_integer(limit as u64)),
        )
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// Returns jobs in the order of their IDs in `jobs`. Jobs that do not exist are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items_of(&self, jobs: &[JobId]) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{} WHERE j.id IN (SELECT value FROM json_each(?1))",
            item_query()
        )))
        .bind(row::json_ids(jobs.iter().map(|job| job.0)))
        .fetch_all(self.readers())
        .await?;
        let items = self.items(&rows).await?.into_iter();
        let mut by_id: HashMap<_, _> = items.map(|item| (item.job.id, item)).collect();
        Ok(jobs.iter().filter_map(|job| by_id.remove(job)).collect())
    }

    /// Whether the queue has recordings of the source.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_source(&self, name: &str) -> Result<bool, StoreError> {
        let found =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM recordings WHERE source = ?1)")
                .bind(name)
                .fetch_one(self.readers())
                .await?;
        Ok(found)
    }

    /// Returns a job; `None` if no job has this ID.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn item(&self, job: JobId) -> Result<Option<Item>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{} WHERE j.id = ?1",
            item_query()
        )))
        .bind(job.0)
        .fetch_all(self.readers())
        .await?;
        Ok(self.items(&rows).await?.pop())
    }

    /// Returns the jobs of the recording at `location` (an absolute path or a URL), newest first. Those whose result was set
    /// aside come last.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items_at(&self, location: &Path) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH RECURSIVE sources (name) AS (
                 SELECT min(source) FROM recordings
                 UNION ALL
                 SELECT (SELECT min(source) FROM recordings WHERE source > name) FROM sources WHERE name IS NOT NULL)
             {} WHERE r.source IN (SELECT name FROM sources) AND r.location = ?1 ORDER BY j.set_aside, j.id DESC",
            item_query()
        )))
        .bind(row::path_bytes(location))
        .fetch_all(self.readers())
        .await?;
        self.items(&rows).await
    }

    async fn items(&self, rows: &[SqliteRow]) -> Result<Vec<Item>, StoreError> {
        let mut items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = items.iter().map(|item| item.job.id.0).collect();
        let mut outputs = self.outputs_by_job(&ids).await?;
        for item in &mut items {
            item.outputs = outputs.remove(&item.job.id).unwrap_or_default();
        }
        Ok(items)
    }
}

/// Builds the subquery of the listed jobs: of source `?1`, at most `?2` of each state, with IDs below `?3`,
/// with text `?4`, changed since `?5`, with error class `?6`, in language `?7` and with a confidence below `?8`.
///
/// It reads the newest jobs of each state from the end of the index. A single query for several states would
/// sort all of their jobs.
fn selection(filter: &ItemFilter) -> String {
    let of_source = filter.source.as_ref().map_or(
        "",
        |_| "AND (SELECT source FROM recordings WHERE id = jobs.recording_id) = ?1",
    );
    let with_text = filter.search.as_ref().map_or(
        "",
        |_| "AND (SELECT instr(lower(CAST(location AS TEXT)), lower(?4)) FROM recordings WHERE id = jobs.recording_id) > 0",
    );
    let changed = filter.changed_since.map_or("", |_| "AND updated_at >= ?5");
    let error = filter.error.map_or("", |_| "AND error_class = ?6");
    let language = filter.language.as_ref().map_or(
        "",
        |_| "AND (options ->> '$.language' = ?7 OR id IN (SELECT job_id FROM results WHERE language = ?7))",
    );
    let confidence = filter.confidence_below.map_or("", |_| {
        "AND id IN (SELECT job_id FROM results INDEXED BY results_confidence
                        WHERE quality IS NOT NULL AND quality ->> '$.confidence' < ?8)"
    });
    let newest = |condition: &str| {
        format!(
            "SELECT id FROM (SELECT id FROM jobs
             WHERE {condition} AND id < ?3 {of_source} {with_text} {changed} {error} {language} {confidence}
             ORDER BY id DESC LIMIT ?2)"
        )
    };
    if filter.states.is_empty() {
        return newest("true");
    }
    let states = filter.states.iter();
    let states: Vec<_> = states
        .map(|state| newest(&format!("state = '{}'", state.as_str())))
        .collect();
    states.join(" UNION ALL ")
}

fn item(found: &SqliteRow) -> Result<Item, StoreError> {
    Ok(Item {
        job: Job {
            id: JobId(found.try_get("id")?),
            request: row::request(found)?,
            attempts: u32::try_from(found.try_get::<i64, _>("attempts")?)
                .map_err(|_| StoreError::Content { column: "attempts" })?,
        },
        source: found.try_get("source")?,
        location: row::location(found)?,
        relative: row::path(found, "relative")?,
        state: row::parse(found, "state")?,
        generation_id: row::generation(found)?,
        size_bytes: row::count(found, "size_bytes")?,
        duration_s: found.try_get("duration_s")?,
        is_estimate: row::is_set(found, "is_estimate")?,
        as_is: row::is_set(found, "as_is")?,
        sha256: found.try_get("sha256")?,
        due_at: row::time(found, "due_at")?,
        obstacles: Obstacles {
            is_uncertain: row::is_set(found, "in_doubt")?,
            duplicate_of: found.try_get::<Option<i64>, _>("duplicate_of")?.map(JobId),
            earlier_job: found.try_get::<Option<i64>, _>("earlier")?.map(JobId),
            looks_paid: row::is_set(found, "looks_paid")?,
        },
        accepted_at: row::time_or_none(found, "accepted_at")?,
        expires_at: row::time_or_none(found, "expires_at")?,
        error: row::failure(found)?,
        silent: found
            .try_get::<Option<i64>, _>("silent")?
            .map(|silent| silent != 0),
        quality: quality(found)?,
        paid_by: found.try_get::<Option<i64>, _>("paid_by")?.map(JobId),
        retry_of: found.try_get::<Option<i64>, _>("retry_of")?.map(JobId),
        is_set_aside: row::is_set(found, "set_aside")?,
        warnings: warnings(found)?,
        outputs: Vec::new(),
        created_at: row::time(found, "created_at")?,
        updated_at: row::time(found, "updated_at")?,
    })
}
