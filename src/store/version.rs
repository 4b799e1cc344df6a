//! Whether another process has changed the queue.

use super::error::StoreError;
use super::open::Store;
use super::writer::Change;
use sqlx::SqliteConnection;

impl Store {
    /// A number that differs from the last one if another process has changed the database since.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn data_version(&self) -> Result<i64, StoreError> {
        self.writer().write(DataVersion).await
    }
}

/// Asked on the connection that writes, which does not count its own changes.
struct DataVersion;

impl Change for DataVersion {
    type Reply = i64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(connection)
            .await?)
    }
}
