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
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use exposition::{Figures, exposition};
use std::sync::Arc;

/// Content type of the text format of OpenMetrics.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers with the metrics.
pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Problem> {
    let text = text(&site).await?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}

async fn text(site: &Site) -> Result<String, AppError> {
    let mut figures = Figures {
        status: status(&site.session).await?,
        by_source: Vec::new(),
        oldest_queued: None,
    };
    let mut totals = site.totals.lock().await;
    if let Some(store) = site.session.existing_store().await? {
        figures.by_source = store.counts_by_source().await?;
        figures.oldest_queued = store.oldest_queued().await?;
        totals.update(&store).await?;
        store.close().await;
    }
    Ok(exposition(figures, &totals))
}
