//! Prices of the models, configured or fetched from the service.

use super::error::AppError;
use super::session::Session;
use crate::domain::{PriceTable, Timestamp};
use crate::provider::models::{MODELS, shown_name};
use serde::Serialize;
use std::collections::BTreeSet;

/// Price of a model. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelPrice {
    /// Name of the model.
    pub model: String,
    /// Price for one minute of audio.
    pub per_minute: f64,
    /// Currency code, such as `USD`.
    pub currency: String,
    /// Whether the model has variants that cost less.
    pub is_upper_bound: bool,
    /// Time the price was fetched from the service. `None` if it is configured.
    pub fetched_at: Option<Timestamp>,
}

/// Prices of the models, and the models without one.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPrices {
    /// Known prices, sorted by model.
    pub prices: Vec<ModelPrice>,
    /// Models that the service does not charge by time of audio.
    pub unpriced: Vec<UnpricedModel>,
}

/// Model without a price per time of audio. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnpricedModel {
    /// Name of the model.
    pub model: String,
    /// Reason, such as a price per token.
    pub unpriced: String,
}

/// Returns the known prices of all models, sorted by model. Configured prices take precedence.
///
/// # Errors
/// If the database fails.
pub async fn known_prices(session: &Session) -> Result<KnownPrices, AppError> {
    let (fetched, fetched_at) = match session.existing_store().await? {
        None => (PriceTable::default(), None),
        Some(store) => {
            let prices = store.prices().await?;
            store.close().await;
            prices
        }
    };
    let sources = session.config.sources.iter();
    let configured = sources.map(|source| shown_name(source.request.model()));
    let models: BTreeSet<_> = configured
        .chain(MODELS.iter().map(|model| model.name.to_owned()))
        .collect();
    let is_unpriced = |model: &&String| session.config.prices.get(model).is_none();
    let unpriced = models.iter().filter(is_unpriced).filter_map(|model| {
        let unpriced = fetched.unpriced_reason(model)?.to_owned();
        let model = model.clone();
        Some(UnpricedModel { model, unpriced })
    });
    let unpriced = unpriced.collect();
    let known = models.into_iter().filter_map(|model| {
        let (price, fetched_at) = match session.config.prices.get(&model) {
            Some(price) => (price, None),
            None => (fetched.get(&model)?, fetched_at),
        };
        Some(ModelPrice {
            per_minute: price.per_minute,
            currency: price.currency.clone(),
            is_upper_bound: price.is_upper_bound,
            model,
            fetched_at,
        })
    });
    Ok(KnownPrices {
        prices: known.collect(),
        unpriced,
    })
}

/// Fetches the current prices from the service and stores them.
///
/// # Errors
/// If the service has no price list or it cannot be read, if there is no configuration file, or if the database fails.
pub async fn refresh_prices(session: &Session) -> Result<(), AppError> {
    // The price list needs no key. A configured key is sent, as with every request.
    let client = session.client(session.key().unwrap_or_default())?;
    let list = match client.prices().await {
        Ok(Some(list)) if !list.prices.is_empty() || !list.unpriced.is_empty() => list,
        Ok(_) => return Err(AppError::PriceList("it has no price list".to_owned())),
        Err(error) => return Err(AppError::PriceList(error.failure.message)),
    };
    let store = session.store().await?;
    store
        .set_prices(list.prices, list.unpriced, session.now())
        .await?;
    store.close().await;
    Ok(())
}
