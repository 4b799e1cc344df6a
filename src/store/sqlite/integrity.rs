//! Search for damage in the database.

use crate::store::error::{StoreError, is_corrupt, is_interrupted};
use crate::store::sqlite::open::Store;
use std::time::{Duration, Instant};

/// Number of instructions of SQLite between two looks at the clock. They take less than a millisecond.
const INSTRUCTIONS: i32 = 10_000;

impl Store {
    /// Searches the database for damage, for at most `limit`. Returns whether the whole database was searched.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is damaged. Otherwise if it cannot be read.
    pub async fn check_integrity(&self, limit: Duration) -> Result<bool, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let deadline = Instant::now() + limit;
        connection
            .lock_handle()
            .await?
            .set_progress_handler(INSTRUCTIONS, move || Instant::now() < deadline);
        let checked: Result<String, _> = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut *connection)
            .await;
        connection.lock_handle().await?.remove_progress_handler();
        match checked {
            Ok(finding) if finding == "ok" => Ok(true),
            Ok(finding) => Err(self.corrupt(finding)),
            Err(error) if is_interrupted(&error) => Ok(false),
            Err(error) if is_corrupt(&error) => Err(self.corrupt(error)),
            Err(error) => Err(error.into()),
        }
    }

    fn corrupt(&self, finding: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Corrupt {
            path: self.path().to_owned(),
            source: finding.into(),
        }
    }
}
