//! Warnings about finished transcripts.

use crate::domain::{JobId, Timestamp, Warning};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{Change, check_guard};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

impl Store {
    /// Records the warnings about the transcript of a received job.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn record_warnings(
        &self,
        job: JobId,
        warnings: Vec<Warning>,
    ) -> Result<(), StoreError> {
        let recorded = Recorded { job, warnings };
        self.writer().write(recorded).await
    }

    /// Returns the number of jobs that were done with warnings after `since` and until `until`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn warned_between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<u64, StoreError> {
        let found = sqlx::query(
            "SELECT count(*) AS warned FROM jobs
             WHERE warnings IS NOT NULL AND updated_at > ?1 AND updated_at <= ?2 AND state = 'done'",
        )
        .bind(since.millis())
        .bind(until.millis())
        .fetch_one(self.readers())
        .await?;
        row::count(&found, "warned")
    }
}

/// Reads the column `warnings`. A name that this version does not know is left out.
pub(crate) fn warnings(found: &SqliteRow) -> Result<Vec<Warning>, StoreError> {
    let Some(names) = found.try_get::<Option<&str>, _>("warnings")? else {
        return Ok(Vec::new());
    };
    let names: Vec<String> =
        serde_json::from_str(names).map_err(|_| StoreError::Content { column: "warnings" })?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

struct Recorded {
    job: JobId,
    warnings: Vec<Warning>,
}

impl Change for Recorded {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let names: Vec<_> = self.warnings.iter().map(|one| one.as_str()).collect();
        let updated =
            sqlx::query("UPDATE jobs SET warnings = ?2 WHERE id = ?1 AND state = 'received'")
                .bind(self.job.0)
                .bind(serde_json::Value::from(names).to_string())
                .execute(connection)
                .await?;
        check_guard(&updated)
    }
}
