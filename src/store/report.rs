//! What `status`, `list` and `show` ask.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Location;
use super::row;
use crate::domain::{AttemptId, Failure, GenerationId, JobId, JobState, Request, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// A run that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runner {
    /// Its process.
    pub pid: u32,
    /// When it began.
    pub since: Timestamp,
}

/// The queue in figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// Jobs by state; every state is there.
    pub counts: BTreeMap<JobState, u64>,
    /// When the service forgets the first of what is pending.
    pub next_expiry: Option<Timestamp>,
    /// When the first queued job that waits for a time may go.
    pub next_due: Option<Timestamp>,
    /// Submissions that may have been paid without a transcript to show for it.
    pub perhaps_paid: u64,
    /// Jobs done since the time asked for.
    pub done_since: u64,
    /// The run whose end is not recorded; it may be dead, which only the lock tells.
    pub runner: Option<Runner>,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one of these states; empty: any.
    pub states: Vec<JobState>,
    /// Of this source.
    pub source: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// A job as it is shown.
#[derive(Debug, Clone)]
pub struct Item {
    /// The job.
    pub id: JobId,
    /// Its source's name.
    pub source: String,
    /// Where its audio is.
    pub location: Location,
    /// Its path in the source.
    pub relative: PathBuf,
    /// Where it stands.
    pub state: JobState,
    /// What is asked of the service.
    pub request: Request,
    /// Attempts spent.
    pub attempts: u32,
    /// What the service calls it.
    pub generation_id: Option<GenerationId>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Length in seconds: as billed, else as the file says, if known.
    pub duration_s: Option<f64>,
    /// Of the audio that was sent.
    pub sha256: Option<String>,
    /// Not before, if it is queued.
    pub due_at: Timestamp,
    /// What keeps it from being sent, if it is queued.
    pub obstacles: Obstacles,
    /// When the service accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When the service forgets it, if it is pending.
    pub expires_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<Failure>,
    /// Whether its transcript is one of silence; `None` without a result.
    pub silent: Option<bool>,
    /// The job whose result it took, if another paid for it.
    pub paid_by: Option<JobId>,
    /// Its files.
    pub outputs: Vec<PathBuf>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What keeps a queued job from being sent, besides its time, its source and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Obstacles {
    /// The answer to its submission was lost, and the service is asked what became of it.
    pub in_doubt: bool,
    /// A job with equal audio that is on its way.
    pub twin: Option<JobId>,
    /// A job of an earlier state of the same recording that is on its way.
    pub earlier: Option<JobId>,
}

/// A submission as it is shown.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The attempt.
    pub id: AttemptId,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended; `None` while it lasts.
    pub ended_at: Option<Timestamp>,
    /// `sending`, `accepted`, `completed`, `refused`, `deferred`, `uncertain`, `lost`, `cancelled`.
    pub outcome: String,
    /// What was sent as `X-Client-Request-Id`.
    pub client_request_id: String,
    /// What the service called it.
    pub generation_id: Option<GenerationId>,
    /// Of the answer.
    pub http_status: Option<u16>,
    /// The service's `x-request-id`.
    pub request_id: Option<String>,
    /// What went wrong.
    pub error: Option<Failure>,
    /// Seconds of audio billed.
    pub billed_s: Option<f64>,
}

const ITEM: &str = "SELECT j.id, r.source, r.kind, r.location, r.relative, j.state, j.model, j.options, j.attempts,
        j.generation_id, r.size_bytes, coalesce(s.duration_s, r.duration_s) AS duration_s, j.sha256, j.due_at,
        j.doubt IS NOT NULL AS in_doubt,
        (SELECT t.id FROM jobs t WHERE t.id = j.twin AND t.state IN ('submitting', 'pending')) AS twin,
        CASE WHEN j.state = 'queued' THEN
            (SELECT e.id FROM jobs e WHERE e.recording_id = j.recording_id AND e.id < j.id
             AND e.state IN ('submitting', 'pending', 'received') LIMIT 1) END AS earlier,
        j.accepted_at, j.expires_at, j.error_class, j.error_message, s.silent, s.paid_by, j.created_at, j.updated_at
    FROM jobs j JOIN recordings r ON r.id = j.recording_id LEFT JOIN results s ON s.job_id = j.id";

impl Store {
    /// The queue in figures.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn overview(&self, done_since: Timestamp) -> Result<Overview, StoreError> {
        let figures = sqlx::query(
            "SELECT (SELECT min(expires_at) FROM jobs WHERE state = 'pending') AS next_expiry,
                    (SELECT min(due_at) FROM jobs WHERE state = 'queued') AS next_due,
                    (SELECT count(*) FROM attempts WHERE outcome IN ('uncertain', 'lost')) AS perhaps_paid,
                    (SELECT count(*) FROM attempts WHERE outcome = 'completed' AND ended_at >= ?1
                      AND id > (SELECT max(id) - 10000 FROM attempts)) AS done_since",
        )
        .bind(done_since.millis())
        .fetch_one(self.readers())
        .await?;
        Ok(Overview {
            counts: self.counts().await?,
            next_expiry: row::time_or_none(&figures, "next_expiry")?,
            next_due: row::time_or_none(&figures, "next_due")?,
            perhaps_paid: row::count(&figures, "perhaps_paid")?,
            done_since: row::count(&figures, "done_since")?,
            runner: self.runner().await?,
        })
    }

    /// Jobs by state; every state is there.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self) -> Result<BTreeMap<JobState, u64>, StoreError> {
        let counts: String =
            sqlx::query_scalar("SELECT json_group_array(json_array(state, jobs)) FROM tallies")
                .fetch_one(self.readers())
                .await?;
        row::counts(&counts)
    }

    /// The run whose end is not recorded; it may be dead, which only the lock tells.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn runner(&self) -> Result<Option<Runner>, StoreError> {
        let found = sqlx::query(
            "SELECT pid, started_at FROM runners WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1",
        )
        .fetch_optional(self.readers())
        .await?;
        let Some(found) = found else { return Ok(None) };
        let pid = u32::try_from(found.try_get::<i64, _>("pid")?)
            .map_err(|_| StoreError::Content { column: "pid" })?;
        Ok(Some(Runner {
            pid,
            since: row::time(&found, "started_at")?,
        }))
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Item>, StoreError> {
        let limit = filter.limit.map_or(-1, |limit| row::size(limit as u64));
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ITEM} WHERE j.id IN ({}) ORDER BY j.id DESC LIMIT ?2",
            chosen(filter)
        )))
        .bind(&filter.source)
        .bind(limit)
        .fetch_all(self.readers())
        .await?;
        self.items(&rows).await
    }

    /// One job; `None` if there is none of that ID.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn item(&self, job: JobId) -> Result<Option<Item>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{ITEM} WHERE j.id = ?1")))
            .bind(job.0)
            .fetch_all(self.readers())
            .await?;
        Ok(self.items(&rows).await?.pop())
    }

    /// The jobs of the recording at `place` (an absolute path, or a URL), newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items_at(&self, place: &Path) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "WITH RECURSIVE sources (name) AS (
                 SELECT min(source) FROM recordings
                 UNION ALL
                 SELECT (SELECT min(source) FROM recordings WHERE source > name) FROM sources WHERE name IS NOT NULL)
             {ITEM} WHERE r.source IN (SELECT name FROM sources) AND r.location = ?1 ORDER BY j.id DESC"
        )))
        .bind(row::path_bytes(place))
        .fetch_all(self.readers())
        .await?;
        self.items(&rows).await
    }

    async fn items(&self, rows: &[SqliteRow]) -> Result<Vec<Item>, StoreError> {
        let mut items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = items.iter().map(|item| item.id.0).collect();
        let mut outputs = self.outputs_by_job(&ids).await?;
        for item in &mut items {
            item.outputs = outputs.remove(&item.id).unwrap_or_default();
        }
        Ok(items)
    }

    /// The files written for each of `jobs`, by one statement however many they are.
    async fn outputs_by_job(
        &self,
        jobs: &[i64],
    ) -> Result<HashMap<JobId, Vec<PathBuf>>, StoreError> {
        let mut outputs: HashMap<_, Vec<_>> = HashMap::new();
        let rows = sqlx::query(
            "SELECT job_id, path FROM outputs WHERE job_id IN (SELECT value FROM json_each(?1)) ORDER BY path",
        )
        .bind(serde_json::Value::from(jobs).to_string())
        .fetch_all(self.readers())
        .await?;
        for found in &rows {
            let job = JobId(found.try_get("job_id")?);
            outputs
                .entry(job)
                .or_default()
                .push(row::path(found, "path")?);
        }
        Ok(outputs)
    }

    /// The files written for a job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outputs(&self, job: JobId) -> Result<Vec<PathBuf>, StoreError> {
        let rows = sqlx::query("SELECT path FROM outputs WHERE job_id = ?1 ORDER BY path")
            .bind(job.0)
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(|found| row::path(found, "path")).collect()
    }

    /// Every submission of a job, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, started_at, ended_at, outcome, client_request_id, generation_id, http_status, request_id,
                    error_class, error_message, billed_s
             FROM attempts WHERE job_id = ?1 ORDER BY id",
        )
        .bind(job.0)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(attempt).collect()
    }
}

/// The jobs that are listed, of source `?1`, at most `?2` of each state: the newest of each state are read from the end
/// of its index, where all of several states would be sorted.
fn chosen(filter: &Filter) -> String {
    let of_source = filter.source.as_ref().map_or(
        "",
        |_| "AND (SELECT source FROM recordings WHERE id = jobs.recording_id) = ?1",
    );
    let newest = |condition: &str| {
        format!(
            "SELECT id FROM (SELECT id FROM jobs WHERE {condition} {of_source} ORDER BY id DESC LIMIT ?2)"
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
        id: JobId(found.try_get("id")?),
        source: found.try_get("source")?,
        location: Location::read(found)?,
        relative: row::path(found, "relative")?,
        state: row::parsed(found, "state")?,
        request: row::request(found)?,
        attempts: u32::try_from(found.try_get::<i64, _>("attempts")?)
            .map_err(|_| StoreError::Content { column: "attempts" })?,
        generation_id: row::generation(found)?,
        size_bytes: row::count(found, "size_bytes")?,
        duration_s: found.try_get("duration_s")?,
        sha256: found.try_get("sha256")?,
        due_at: row::time(found, "due_at")?,
        obstacles: Obstacles {
            in_doubt: row::is_set(found, "in_doubt")?,
            twin: found.try_get::<Option<i64>, _>("twin")?.map(JobId),
            earlier: found.try_get::<Option<i64>, _>("earlier")?.map(JobId),
        },
        accepted_at: row::time_or_none(found, "accepted_at")?,
        expires_at: row::time_or_none(found, "expires_at")?,
        error: row::failure(found)?,
        silent: found
            .try_get::<Option<i64>, _>("silent")?
            .map(|silent| silent != 0),
        paid_by: found.try_get::<Option<i64>, _>("paid_by")?.map(JobId),
        outputs: Vec::new(),
        created_at: row::time(found, "created_at")?,
        updated_at: row::time(found, "updated_at")?,
    })
}

fn attempt(found: &SqliteRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: AttemptId(found.try_get("id")?),
        started_at: row::time(found, "started_at")?,
        ended_at: row::time_or_none(found, "ended_at")?,
        outcome: found.try_get("outcome")?,
        client_request_id: found.try_get("client_request_id")?,
        generation_id: row::generation(found)?,
        http_status: found.try_get("http_status")?,
        request_id: found.try_get("request_id")?,
        error: row::failure(found)?,
        billed_s: found.try_get("billed_s")?,
    })
}
