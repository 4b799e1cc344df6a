//! Models whose circuit breaker is tripped, for those who do not run.

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::writer::Change;
use sqlx::SqliteConnection;

impl Store {
    /// Returns the canonical names of the tripped models in order, as the last run has stored them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tripped_models(&self) -> Result<Vec<String>, StoreError> {
        let models = sqlx::query_scalar("SELECT model FROM tripped_models ORDER BY model");
        Ok(models.fetch_all(self.readers()).await?)
    }

    /// Replaces the tripped models. A crash leaves the earlier ones, which the next run replaces.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_tripped_models(
        &self,
        models: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let models = serde_json::Value::from(models).to_string();
        self.writer().write(SetTrippedModels { models, now }).await
    }
}

struct SetTrippedModels {
    /// Names as a JSON array.
    models: String,
    now: Timestamp,
}

impl Change for SetTrippedModels {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM tripped_models WHERE model NOT IN (SELECT value FROM json_each(?1))",
        )
        .bind(&self.models)
        .execute(&mut *connection)
        .await?;
        sqlx::query("INSERT OR IGNORE INTO tripped_models (model, since) SELECT value, ?2 FROM json_each(?1)")
            .bind(&self.models)
            .bind(self.now.millis())
            .execute(connection)
            .await?;
        Ok(())
    }
}
