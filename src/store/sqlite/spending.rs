//! Recent submissions, and the prices of models.

use crate::domain::{Price, PriceTable, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Audio submitted with a model that may have been billed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelUsage {
    /// Model.
    pub model: String,
    /// Audio in seconds: as billed, otherwise the duration of the recording.
    pub audio_s: f64,
}

impl Store {
    /// Returns the audio submitted since `since`, by model.
    ///
    /// Submissions that were not accepted are excluded. It reads back from the newest attempt, so it is fast
    /// however many there are.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn usage_since(&self, since: Timestamp) -> Result<Vec<ModelUsage>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.model, sum(coalesce(a.billed_s, r.duration_s, 0.0)) AS audio_s
             FROM attempts a JOIN jobs j ON j.id = a.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE a.id > coalesce((SELECT id FROM attempts WHERE started_at < ?1 ORDER BY id DESC LIMIT 1), 0)
               AND a.outcome NOT IN ('refused', 'deferred')
             GROUP BY j.model",
        )
        .bind(since.millis())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(model_usage).collect()
    }

    /// Returns the prices of the service, and the time they were fetched; `None` if never.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn prices(&self) -> Result<(PriceTable, Option<Timestamp>), StoreError> {
        let rows = sqlx::query("SELECT model, per_minute, currency, fetched_at FROM prices")
            .fetch_all(self.readers())
            .await?;
        let (mut prices, mut fetched) = (PriceTable::default(), None);
        for found in &rows {
            let price = Price {
                per_minute: found.try_get("per_minute")?,
                currency: found.try_get("currency")?,
            };
            prices.set(found.try_get("model")?, price);
            fetched = fetched.max(Some(Timestamp::from_millis(found.try_get("fetched_at")?)));
        }
        Ok((prices, fetched))
    }

    /// Replaces the prices of the service, with one entry for each name of a model.
    ///
    /// # Errors
    /// If the database fails; the old prices remain then.
    pub async fn set_prices(
        &self,
        prices: Vec<(String, Price)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer().write(SetPrices { prices, now }).await
    }
}

pub(crate) fn model_usage(found: &SqliteRow) -> Result<ModelUsage, StoreError> {
    Ok(ModelUsage {
        model: found.try_get("model")?,
        audio_s: found.try_get("audio_s")?,
    })
}

struct SetPrices {
    prices: Vec<(String, Price)>,
    now: Timestamp,
}

impl Change for SetPrices {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM prices")
            .execute(&mut *connection)
            .await?;
        for (model, price) in &self.prices {
            sqlx::query(
                "INSERT OR REPLACE INTO prices (model, per_minute, currency, fetched_at) VALUES (?1, ?2, ?3, ?4)",
            )
            .bind(model)
            .bind(price.per_minute)
            .bind(&price.currency)
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
