//! Progress of a run, for the forecast of the time left.

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use std::time::Duration;

/// Submissions since a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Submissions {
    /// Number of accepted submissions among the last 10,000 attempts.
    pub accepted: u64,
    /// Acceptance of the last generation that is pending.
    pub last_accepted_at: Option<Timestamp>,
}

impl Store {
    /// Returns the submissions since a time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn submissions(&self, since: Timestamp) -> Result<Submissions, StoreError> {
        let figures = sqlx::query(
            "SELECT (SELECT count(*) FROM attempts a CROSS JOIN jobs j ON j.id = a.job_id
                     WHERE a.outcome IN ('accepted', 'completed') AND j.accepted_at >= ?1
                       AND a.id > (SELECT max(id) - 10000 FROM attempts)) AS accepted,
                    (SELECT max(accepted_at) FROM jobs WHERE state = 'pending') AS last_accepted_at",
        )
        .bind(since.millis())
        .fetch_one(self.readers())
        .await?;
        Ok(Submissions {
            accepted: row::count(&figures, "accepted")?,
            last_accepted_at: row::time_or_none(&figures, "last_accepted_at")?,
        })
    }

    /// Returns the times from the submission to the result, of at most the last hundred results.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn result_times(&self) -> Result<Vec<Duration>, StoreError> {
        let times: Vec<i64> = sqlx::query_scalar(
            "SELECT ended_at - started_at FROM attempts WHERE outcome = 'completed'
               AND id > (SELECT max(id) - 10000 FROM attempts) ORDER BY id DESC LIMIT 100",
        )
        .fetch_all(self.readers())
        .await?;
        let times = times.into_iter().map(|ms| u64::try_from(ms).unwrap_or(0));
        Ok(times.map(Duration::from_millis).collect())
    }
}
