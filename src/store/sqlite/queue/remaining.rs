//! Work that remains for a run.

use super::reachable::{REACHABLE, ReachableSources, WITHIN_BUDGET, among, json_names};
use crate::domain::AwaitedResults;
use crate::store::error::StoreError;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;

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

impl Store {
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
        .bind(json_names(&reach.present))
        .bind(json_names(&reach.configured))
        .bind(json_names(given_up))
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
}
