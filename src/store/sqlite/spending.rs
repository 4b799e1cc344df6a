//! Recent submissions, and the prices of models.

use crate::domain::{Price, PriceTable, Timestamp};
use crate::policy::budget::longest_s;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Audio submitted with a model that may have been billed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelUsage {
    /// Model.
    pub model: String,
    /// Audio in seconds: as billed, otherwise the duration of the recording, otherwise an upper bound from its size.
    pub audio_s: f64,
    /// The part of it for which the service did not say what it charged.
    pub uncharged_audio_s: f64,
    /// Amount that the service charged for the rest, in US dollars.
    pub charged_usd: f64,
}

impl ModelUsage {
    /// Returns the cost: the amounts that the service charged, and the cost of the audio without one. If the prices are in
    /// another currency, all audio is counted by them.
    ///
    /// `None` if a price is needed and not known.
    #[must_use]
    pub fn cost(&self, prices: &PriceTable) -> Option<f64> {
        if !prices.is_usd() {
            return prices.cost(&self.model, self.audio_s);
        }
        if self.charged_usd > 0.0 && self.uncharged_audio_s == 0.0 {
            return Some(self.charged_usd);
        }
        let computed = prices.cost(&self.model, self.uncharged_audio_s)?;
        Some(self.charged_usd + computed)
    }
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
            "SELECT j.model, sum(coalesce(a.billed_s, r.duration_s, ?2 * r.size_bytes)) AS audio_s,
                    sum(iif(a.charged_usd IS NULL, coalesce(a.billed_s, r.duration_s, ?2 * r.size_bytes), 0.0))
                        AS uncharged_audio_s,
                    sum(coalesce(a.charged_usd, 0.0)) AS charged_usd
             FROM attempts a JOIN jobs j ON j.id = a.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE a.id > coalesce((SELECT id FROM attempts WHERE started_at < ?1 ORDER BY id DESC LIMIT 1), 0)
               AND a.outcome NOT IN ('refused', 'deferred')
             GROUP BY j.model",
        )
        .bind(since.millis())
        .bind(longest_s(1))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(model_usage).collect()
    }

    /// Returns the prices of the service, and the time they were fetched; `None` if never.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn prices(&self) -> Result<(PriceTable, Option<Timestamp>), StoreError> {
        let rows = sqlx::query(
            "SELECT model, per_minute, currency, is_upper_bound, fetched_at FROM prices",
        )
        .fetch_all(self.readers())
        .await?;
        let (mut prices, mut fetched) = (PriceTable::default(), None);
        for found in &rows {
            let price = Price {
                per_minute: found.try_get("per_minute")?,
                currency: found.try_get("currency")?,
                is_upper_bound: row::is_set(found, "is_upper_bound")?,
            };
            prices.set(found.try_get("model")?, price);
            fetched = fetched.max(Some(Timestamp::from_millis(found.try_get("fetched_at")?)));
        }
        let unpriced = sqlx::query("SELECT model, reason FROM unpriced_models")
            .fetch_all(self.readers())
            .await?;
        for found in &unpriced {
            prices.set_unpriced(found.try_get("model")?, found.try_get("reason")?);
        }
        Ok((prices, fetched))
    }

    /// Replaces the prices of the service, with one entry for each name of a model. `unpriced` has the models without a
    /// price of audio, with the reason.
    ///
    /// # Errors
    /// If the database fails; the old prices remain then.
    pub async fn set_prices(
        &self,
        prices: Vec<(String, Price)>,
        unpriced: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = SetPrices {
            prices,
            unpriced,
            now,
        };
        self.writer().write(change).await
    }
}

pub(crate) fn model_usage(found: &SqliteRow) -> Result<ModelUsage, StoreError> {
    Ok(ModelUsage {
        model: found.try_get("model")?,
        audio_s: found.try_get("audio_s")?,
        uncharged_audio_s: found.try_get("uncharged_audio_s")?,
        charged_usd: found.try_get("charged_usd")?,
    })
}

struct SetPrices {
    prices: Vec<(String, Price)>,
    unpriced: Vec<(String, String)>,
    now: Timestamp,
}

impl Change for SetPrices {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::raw_sql("DELETE FROM prices; DELETE FROM unpriced_models")
            .execute(&mut *connection)
            .await?;
        for (model, reason) in &self.unpriced {
            sqlx::query("INSERT OR REPLACE INTO unpriced_models (model, reason) VALUES (?1, ?2)")
                .bind(model)
                .bind(reason)
                .execute(&mut *connection)
                .await?;
        }
        for (model, price) in &self.prices {
            sqlx::query(
                "INSERT OR REPLACE INTO prices (model, per_minute, currency, is_upper_bound, fetched_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .bind(model)
            .bind(price.per_minute)
            .bind(&price.currency)
            .bind(price.is_upper_bound)
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
