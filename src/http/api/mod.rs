//! Interface for programs, below `/api/v1`. Its objects are those that the commands print with `--json`.
//!
//! `docs/openapi.json` describes it. `description` compares the routes with it.
//!
//! - [`items`]: list, show and add items, with [`list_request`]; [`actions`]: retry, cancel, pause and resume
//! - [`search`]: search in transcripts
//! - [`speakers`]: names of speakers; [`export`]: writing transcripts again
//! - [`status`]: status, and its changes as events
//! - [`error`]: errors as JSON; [`body`]: bodies of requests

mod actions;
mod body;
#[cfg(test)]
mod description;
pub(super) mod error;
mod export;
mod items;
mod list_request;
mod search;
mod speakers;
mod status;

use super::site::Site;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post, put};
use std::sync::Arc;

/// Description of the interface, by the OpenAPI specification.
const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");

/// Returns the routes of the interface.
pub(super) fn router() -> Router<Arc<Site>> {
    let router = Router::new().route("/openapi.json", get(description));
    let router = router.fallback(error::not_found);
    routes()
        .into_iter()
        .fold(router, |router, (_, path, route)| router.route(path, route))
}

/// Method, path and handler of each route.
fn routes() -> [(&'static str, &'static str, MethodRouter<Arc<Site>>); 14] {
    [
        ("get", "/status", get(status::show)),
        ("get", "/events", get(status::events)),
        ("get", "/search", get(search::search)),
        ("get", "/items", get(items::list)),
        ("post", "/items", post(items::add)),
        ("get", "/items/{id}", get(items::show)),
        ("post", "/items/retry", post(actions::retry_items)),
        ("post", "/items/cancel", post(actions::cancel_items)),
        ("post", "/items/export", post(export::export)),
        ("get", "/items/{id}/speakers", get(speakers::list)),
        ("put", "/items/{id}/speakers", put(speakers::name)),
        (
            "get",
            "/items/{id}/transcripts/{format}",
            get(export::transcript),
        ),
        ("post", "/pause", post(actions::pause_submissions)),
        ("post", "/resume", post(actions::resume_submissions)),
    ]
}

async fn description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION)
}
