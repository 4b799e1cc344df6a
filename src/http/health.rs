//! `/healthz` and `/readyz`, for supervisors.

use super::site::Site;
use crate::app::status::status;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

/// Answers that the server runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers whether the queue can be read. Without a queue, there is nothing to read.
pub(super) async fn readyz(State(site): State<Arc<Site>>) -> (StatusCode, &'static str) {
    match status(&site.session).await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error = %error, "the page is not ready");
            let text = "the queue cannot be read; the log says why\n";
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}
