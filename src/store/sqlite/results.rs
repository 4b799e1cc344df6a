//! Stored results.

use crate::domain::JobId;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use std::collections::HashMap;

/// A stored result: the answer of the service, compressed.
#[derive(Debug, Clone)]
pub struct CompressedResult(Vec<u8>);

impl CompressedResult {
    /// Returns the compressed bytes.
    #[must_use]
    pub fn into_packed(self) -> Vec<u8> {
        self.0
    }
}

impl Store {
    /// Returns the results of these jobs. Jobs without a result are omitted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn results(
        &self,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, CompressedResult>, StoreError> {
        let rows = sqlx::query(
            "SELECT job_id, raw FROM results WHERE job_id IN (SELECT value FROM json_each(?1))",
        )
        .bind(row::json_ids(jobs.iter().map(|job| job.0)))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|found| {
                Ok((
                    JobId(found.try_get("job_id")?),
                    CompressedResult(found.try_get("raw")?),
                ))
            })
            .collect()
    }
}
