//! Metrics for Prometheus, computed from the database at each scrape.
//!
//! - [`totals`]: totals of the submissions
//! - [`exposition`]: the metrics as text

mod exposition;
pub(super) mod totals;

use super::api::error::Problem;
use super::site::Site;
use crate::app::error::AppError;
use crate::app::status::status;
use crate::store::sqlite::request_totals::SourceCount;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use exposition::{Figures, exposition};
use std::sync::Arc;

/// Content type of the text format of OpenMetrics.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers with the metrics.
pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Problem> {
    let by_source = site
        .by_source
        .get_patiently(|| counts_by_source(site.clone()))
        .await
        .map_err(|error| Problem::from(&*error))?;
    let text = text(&site, by_source).await?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}

async fn text(site: &Site, by_source: Vec<SourceCount>) -> Result<String, AppError> {
    let mut figures = Figures {
        by_source,
        status: status(&site.session).await?,
        oldest_queued: None,
        tripped_models: Vec::new(),
    };
    let mut totals = site.totals.lock().await;
    if let Some(store) = site.session.existing_store().await? {
        figures.oldest_queued = store.oldest_queued().await?;
        // The last run has left those of its end.
        if figures.status.runner.is_some() {
            figures.tripped_models = store.tripped_models().await?;
        }
        totals.update(&store).await?;
        store.close().await;
    }
    Ok(exposition(figures, &totals))
}

async fn counts_by_source(site: Arc<Site>) -> Result<Vec<SourceCount>, AppError> {
    let Some(store) = site.session.existing_store().await? else {
        return Ok(Vec::new());
    };
    let counts = store.counts_by_source().await?;
    store.close().await;
    Ok(counts)
}
