//! Transcribes recordings again whose transcripts have a low confidence, with another model.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::price::{total, total_cost};
use crate::domain::{JobId, PriceTable, Request};
use crate::pipeline::budget::prices;
use crate::policy::budget::Metric;
use crate::provider::models::{self, length_refusal};
use crate::provider::options;
use crate::store::Store;
use crate::store::sqlite::low_quality::{LowTranscript, QualityRetry};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Selects the transcripts to make again, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct LowQualityFilter {
    /// Transcripts whose mean confidence is below this, from 0 to 1.
    pub below: f64,
    /// Model for the new transcripts.
    pub model: String,
    /// Only recordings of this source.
    pub source: Option<String>,
}

/// Action on the selected transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LowQualityAction {
    /// Only counts them.
    Count,
    /// Queues their recordings. The new transcripts replace them.
    Replace,
    /// Queues their recordings. A new transcript replaces the earlier one only if its confidence is higher.
    KeepBetter,
}

/// Retry of transcripts of low confidence. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LowQualityRetry {
    /// Items that were queued.
    pub items: Vec<JobId>,
    /// Number of transcripts to make again.
    pub transcripts: u64,
    /// Seconds of audio, without recordings of unknown duration.
    pub audio_s: f64,
    /// Number of recordings of unknown duration. The totals of audio and cost do not include them.
    pub unknown_length: u64,
    /// Cost. `None` if the price of the model is unknown.
    pub cost: Option<f64>,
    /// Currency of the cost.
    pub currency: Option<String>,
    /// Number of transcripts that are left out because their recordings were submitted with this model before.
    pub tried: u64,
    /// Number of transcripts that are left out because their recordings are longer than the model accepts.
    pub too_long: u64,
    /// Number of transcripts whose confidence is not known.
    pub without_confidence: u64,
    /// Options that are left out because the model does not take them.
    pub dropped_options: BTreeSet<String>,
}

/// Finds the transcripts of low confidence, and queues their recordings with another model.
///
/// The earlier results stay stored, and their files stay until the new ones are written. All recordings are queued, or none.
///
/// # Errors
/// - The queue does not exist, or all transcripts lack a confidence.
/// - The model is unknown, or has no price although a budget limits the cost.
/// - No source has the requested name.
/// - The database fails.
pub async fn retry_low_quality(
    session: &Session,
    filter: &LowQualityFilter,
    action: LowQualityAction,
) -> Result<LowQualityRetry, AppError> {
    require_model(session, &filter.model)?;
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    let source = filter.source.as_deref();
    if let Some(name) = source {
        session.require_known_source(&store, name).await?;
    }
    let counts = store.confidence_counts(source).await?;
    if counts.known == 0 {
        return Err(AppError::NoConfidence);
    }
    let prices = prices(&session.config, &store).await?;
    require_price(session, &prices, &filter.model)?;
    let found = store.low_transcripts(filter.below, &filter.model, source);
    let (mut retry, retries) = count(found.await?, &filter.model, &prices);
    retry.without_confidence = counts.unknown;
    retry.items = queue(session, &store, retries, action).await?;
    store.close().await;
    Ok(retry)
}

async fn queue(
    session: &Session,
    store: &Store,
    retries: Vec<QualityRetry>,
    action: LowQualityAction,
) -> Result<Vec<JobId>, AppError> {
    let keep_better = match action {
        LowQualityAction::Count => return Ok(Vec::new()),
        LowQualityAction::Replace => false,
        LowQualityAction::KeepBetter => true,
    };
    let queued = store.retry_low_quality(retries, keep_better, session.now());
    Ok(queued.await?)
}

/// Checks that the model is known, or that a source allows unknown ones.
fn require_model(session: &Session, model: &str) -> Result<(), AppError> {
    let mut sources = session.config.sources.iter();
    match models::check(model) {
        Err(unknown) if !sources.any(|source| source.allow_unknown.models) => Err(unknown.into()),
        _ => Ok(()),
    }
}

/// Checks that the model has a price if money is capped. Its recordings would otherwise wait for the budget forever.
fn require_price(session: &Session, prices: &PriceTable, model: &str) -> Result<(), AppError> {
    let mut caps = session.config.budget.iter();
    if prices.get(model).is_none() && caps.any(|cap| cap.metric == Metric::Cost) {
        return Err(AppError::Unpriced(model.to_owned()));
    }
    Ok(())
}

/// Adds up the transcripts that are made again.
fn count(
    found: Vec<LowTranscript>,
    model: &str,
    prices: &PriceTable,
) -> (LowQualityRetry, Vec<QualityRetry>) {
    let mut retry = LowQualityRetry::default();
    let (mut retries, mut lengths) = (Vec::new(), Vec::new());
    for one in found {
        let length_s = one.duration_s;
        if one.is_tried {
            retry.tried += 1;
        } else if length_s.is_some_and(|length| length_refusal(model, length).is_some()) {
            retry.too_long += 1;
        } else {
            let (request, dropped) = request_for(model, &one.request);
            retry.dropped_options.extend(dropped);
            retry.unknown_length += u64::from(length_s.is_none());
            lengths.extend(length_s);
            retries.push(QualityRetry {
                job: one.job,
                request,
            });
        }
    }
    retry.transcripts = retries.len() as u64;
    retry.audio_s = total(lengths.iter().copied());
    retry.cost = total_cost(lengths.iter().map(|length| prices.cost(model, *length)));
    retry.currency = prices.get(model).map(|price| price.currency.clone());
    (retry, retries)
}

/// Returns the request with another model, and the options that it does not take.
fn request_for(model: &str, before: &Request) -> (Request, Vec<String>) {
    let is_taken = |name: &str, value: &Value| {
        let is_known =
            options::has_effect(model, name) || !options::has_effect(before.model(), name);
        is_known && options::check(model, name, value, true).is_ok()
    };
    let all = before.options().clone().into_iter();
    let (taken, dropped): (Vec<_>, Vec<_>) = all.partition(|(name, value)| is_taken(name, value));
    let dropped = dropped.into_iter().map(|(name, _)| name);
    (Request::new(model, taken), dropped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;
    use serde_json::json;

    fn low(job: i64, duration_s: Option<f64>, is_tried: bool) -> LowTranscript {
        let options = [("diarize", json!(true)), ("language", json!("de"))];
        let options = options.map(|(name, value)| (name.to_owned(), value));
        LowTranscript {
            job: JobId(job),
            request: Request::new("nova-2-general", options),
            duration_s,
            is_tried,
        }
    }

    #[test]
    fn transcripts_are_counted_with_their_cost() {
        let mut prices = PriceTable::default();
        let price = Price {
            per_minute: 0.5,
            currency: "USD".to_owned(),
            is_upper_bound: false,
        };
        prices.set("nova-3-general", price);
        let found = vec![
            low(1, Some(60.0), false),
            low(2, None, false),
            low(3, Some(9.0), true),
        ];
        let (retry, retries) = count(found, "#g1_nova-3-general", &prices);
        assert_eq!((retry.transcripts, retry.unknown_length), (2, 1));
        assert_eq!((retry.audio_s, retry.cost), (60.0, Some(0.5)));
        assert_eq!((retry.tried, retry.too_long), (1, 0));
        assert_eq!(retry.currency.as_deref(), Some("USD"));
        let jobs: Vec<_> = retries.iter().map(|retry| retry.job.0).collect();
        assert_eq!(jobs, [1, 2]);
    }

    #[test]
    fn a_recording_that_is_too_long_is_left_out() {
        let model = "openai/gpt-4o-transcribe";
        let (retry, retries) = count(
            vec![low(1, Some(36_000.0), false)],
            model,
            &PriceTable::default(),
        );
        assert_eq!((retry.too_long, retries.len()), (1, 0));
        assert_eq!(retry.cost, Some(0.0));
    }

    #[test]
    fn options_that_the_model_does_not_take_are_dropped() {
        let before = low(1, None, false).request;
        let (same, dropped) = request_for("nova-3-general", &before);
        assert_eq!(same.options(), before.options());
        assert_eq!(dropped, Vec::<String>::new());
        let (other, dropped) = request_for("openai/gpt-4o-transcribe", &before);
        assert_eq!(other.options_json(), r#"{"language":"de"}"#);
        assert_eq!(dropped, ["diarize"]);
    }
}
