//! The routes and the layers around them.

use super::api;
use super::assets::asset;
use super::guard::headers::secure;
use super::guard::layer::{check_caller, check_login};
use super::health::{healthz, readyz};
use super::metrics::metrics;
use super::pages;
use super::site::Site;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Redirect;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

/// Maximum size of the body of a request in bytes.
const MAX_BODY: usize = 256 * 1024;
/// Time until the head of a response, including the reading of the request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the routes of a server, with the layers that protect them. The first layer is the innermost.
pub(super) fn router(site: Arc<Site>) -> Router {
    let routes = Router::new()
        .merge(pages::routes())
        .nest("/api/v1", api::router())
        .route("/assets/{name}", get(asset))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(pages::error::not_found)
        .layer(from_fn_with_state(site.clone(), check_login));
    let base = site.base();
    let routes = match base.is_empty() {
        true => routes,
        // A nested router answers the path itself, and not the one with a `/` at its end.
        false => {
            let home = base.to_owned();
            let to_home = move || async move { Redirect::permanent(&home) };
            Router::new()
                .nest(base, routes)
                .route(&format!("{base}/"), get(to_home))
        }
    };
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            ANSWER_TIMEOUT,
        ))
        .layer(from_fn_with_state(site.clone(), check_caller))
        .layer(map_response(secure))
        .with_state(site)
}
