//! Totals of all submissions, read in steps, and the jobs by source.

use crate::domain::{AttemptId, JobState, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;

/// Upper bounds of the latencies that are counted, in seconds. Longer ones are counted last.
pub const LATENCY_BOUNDS_S: [f64; 8] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Maximum number of submissions that are read at once.
const MAX_READ: i64 = 50_000;

/// Submissions of one model with the same outcome and a similar latency.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTotal {
    /// Model.
    pub model: String,
    /// Outcome, as in `attempts.outcome`.
    pub outcome: String,
    /// Index of the latency in [`LATENCY_BOUNDS_S`], or its length for a longer one.
    pub latency: usize,
    /// Number of submissions.
    pub count: u64,
    /// Sum of their latencies, from the claim to the end, in seconds.
    pub latency_s: f64,
    /// Audio that was billed for them, in seconds.
    pub billed_s: f64,
    /// Charges that the service stated for them, in US dollars.
    pub charged_usd: f64,
}

/// Number of jobs of a source in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    /// Name of the source.
    pub source: String,
    /// State.
    pub state: JobState,
    /// Number of jobs.
    pub jobs: u64,
}

impl Store {
    /// Returns the totals of the submissions after `after`, up to the last one before which all have ended, and the ID of that
    /// one. A later call continues there, so each submission is read once. At most 50,000 are read.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn request_totals(
        &self,
        after: AttemptId,
    ) -> Result<(Vec<RequestTotal>, AttemptId), StoreError> {
        let last: i64 = sqlx::query_scalar(
            "SELECT min(?1 + ?2, coalesce(
                (SELECT min(id) - 1 FROM attempts WHERE id > ?1
                 AND (ended_at IS NULL OR id IN (SELECT uncertain_attempt_id FROM jobs WHERE uncertain_attempt_id NOT NULL))),
                (SELECT max(id) FROM attempts), ?1))",
        )
        .bind(after.0)
        .bind(MAX_READ)
        .fetch_one(self.readers())
        .await?;
        let bounds: Vec<_> = LATENCY_BOUNDS_S
            .iter()
            .map(|bound| bound * 1000.0)
            .collect();
        let rows = sqlx::query(
            "SELECT j.model, a.outcome,
                    (SELECT count(*) FROM json_each(?3) WHERE value < a.ended_at - a.started_at) AS latency,
                    count(*) AS attempts, total(a.ended_at - a.started_at) / 1000.0 AS latency_s,
                    total(a.billed_s) AS billed_s, total(a.charged_usd) AS charged_usd
             FROM attempts a JOIN jobs j ON j.id = a.job_id
             WHERE a.id > ?1 AND a.id <= ?2 GROUP BY 1, 2, 3",
        )
        .bind(after.0)
        .bind(last)
        .bind(serde_json::Value::from(bounds).to_string())
        .fetch_all(self.readers())
        .await?;
        let totals = rows.iter().map(|found| {
            Ok::<_, StoreError>(RequestTotal {
                model: found.try_get("model")?,
                outcome: found.try_get("outcome")?,
                latency: row::count(found, "latency")? as usize,
                count: row::count(found, "attempts")?,
                latency_s: found.try_get("latency_s")?,
                billed_s: found.try_get("billed_s")?,
                charged_usd: found.try_get("charged_usd")?,
            })
        });
        Ok((
            totals.collect::<Result<_, _>>()?,
            AttemptId(last.max(after.0)),
        ))
    }

    /// Counts the jobs by source and state. It reads all jobs if there are several sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts_by_source(&self) -> Result<Vec<SourceCount>, StoreError> {
        if let Some(source) = self.only_source().await? {
            let counts = self.counts().await?.into_iter();
            let counts = counts.filter(|(_, jobs)| *jobs > 0);
            let of_source = |(state, jobs)| SourceCount {
                source: source.clone(),
                state,
                jobs,
            };
            return Ok(counts.map(of_source).collect());
        }
        let rows = sqlx::query(
            "SELECT r.source, j.state, count(*) AS jobs
             FROM jobs j JOIN recordings r ON r.id = j.recording_id GROUP BY 1, 2",
        )
        .fetch_all(self.readers())
        .await?;
        let counts = rows.iter().map(|found| {
            Ok(SourceCount {
                source: found.try_get("source")?,
                state: row::parse(found, "state")?,
                jobs: row::count(found, "jobs")?,
            })
        });
        counts.collect()
    }

    /// Returns the name of the source of all recordings, if they have the same.
    async fn only_source(&self) -> Result<Option<String>, StoreError> {
        // Each name is the first or the last entry of an index.
        let found: (Option<String>, Option<String>) = sqlx::query_as(
            "SELECT (SELECT min(source) FROM recordings), (SELECT max(source) FROM recordings)",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(found.0.filter(|first| found.1.as_ref() == Some(first)))
    }

    /// Returns the time since when the oldest queued job waits.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn oldest_queued(&self) -> Result<Option<Timestamp>, StoreError> {
        let found = sqlx::query(
            "SELECT (SELECT created_at FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1) AS oldest",
        )
        .fetch_one(self.readers())
        .await?;
        row::time_or_none(&found, "oldest")
    }
}
