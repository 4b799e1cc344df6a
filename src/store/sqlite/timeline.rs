//! Numbers of the last day, for the picture of it.

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use std::time::Duration;

/// Number of latest failed jobs that are read.
const FAILED_JOBS: i64 = 10_000;

/// Event in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was submitted, and the service may have accepted it.
    Submitted,
    /// Its result was saved.
    Saved,
    /// It failed.
    Failed,
}

impl Store {
    /// Counts what happened since `from`, in slots of the length `slot`. Returns the numbers of slots with their counts. The
    /// attempts read are those that started at most `retention` before `from`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn moments(
        &self,
        from: Timestamp,
        retention: Duration,
        slot: Duration,
    ) -> Result<Vec<(Moment, usize, u64)>, StoreError> {
        let rows = sqlx::query(
            "WITH recent AS MATERIALIZED (
                 SELECT started_at, ended_at, outcome FROM attempts
                 WHERE id > coalesce((SELECT id FROM attempts WHERE started_at < ?2 ORDER BY id DESC LIMIT 1), 0)),
             failed AS MATERIALIZED (
                 SELECT updated_at FROM jobs WHERE state = 'failed' ORDER BY id DESC LIMIT ?4)
             SELECT 0 AS moment, (started_at - ?1) / ?3 AS slot, count(*) AS jobs FROM recent
             WHERE outcome NOT IN ('refused', 'deferred') AND started_at >= ?1 GROUP BY 2
             UNION ALL
             SELECT 1, (ended_at - ?1) / ?3, count(*) FROM recent
             WHERE outcome = 'completed' AND ended_at >= ?1 GROUP BY 2
             UNION ALL
             SELECT 2, (updated_at - ?1) / ?3, count(*) FROM failed WHERE updated_at >= ?1 GROUP BY 2",
        )
        .bind(from.millis())
        .bind(from.before(retention).millis())
        .bind(slot.as_millis().max(1) as i64)
        .bind(FAILED_JOBS)
        .fetch_all(self.readers())
        .await?;
        let counts = rows.iter().map(|found| {
            let moment = match found.try_get("moment")? {
                0_i64 => Moment::Submitted,
                1 => Moment::Saved,
                _ => Moment::Failed,
            };
            Ok((
                moment,
                row::count(found, "slot")? as usize,
                row::count(found, "jobs")?,
            ))
        });
        counts.collect()
    }

    /// Counts the pending jobs by their expiry, in slots of the length `slot` from `now` on. Jobs that have expired are in the
    /// first slot.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn expiring(
        &self,
        now: Timestamp,
        slot: Duration,
    ) -> Result<Vec<(usize, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT max(0, (expires_at - ?1) / ?2) AS slot, count(*) AS jobs
             FROM jobs INDEXED BY jobs_pending WHERE state = 'pending' GROUP BY 1",
        )
        .bind(now.millis())
        .bind(slot.as_millis().max(1) as i64)
        .fetch_all(self.readers())
        .await?;
        let counts = rows.iter().map(|found| {
            Ok((
                row::count(found, "slot")? as usize,
                row::count(found, "jobs")?,
            ))
        });
        counts.collect()
    }
}
