//! Endpoints of the sandbox. `submissions`: submissions and polls; `lists`: models, requests, charges and the balance;
//! `shared`: state and headers of all.

mod lists;
mod shared;
mod submissions;

pub(crate) use shared::Shared;

use crate::response::RequestContext;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use shared::{CLIENT_REQUEST_ID, SharedState, client_request_id, set_header};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Returns the router of the service's endpoints and the sandbox's own.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/stt/create", post(submissions::create))
        .route("/v1/stt/{id}", get(submissions::poll))
        .route("/v1/stt", post(submissions::legacy))
        .route("/v1/models", get(lists::models))
        .route("/v1/models/deprecations", get(lists::deprecations))
        .route("/v2/billing", get(lists::billing))
        .route("/v2/billing/transactions", get(lists::transactions))
        .route("/v2/logs", get(lists::logs))
        .route("/sandbox/ledger", get(ledger))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            set_common_headers,
        ))
        .with_state(shared)
}

/// Assigns the request an ID, and sets the headers that every response has.
async fn set_common_headers(
    State(shared): SharedState,
    mut request: Request,
    next: Next,
) -> Response {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let call = RequestContext {
        request_id: format!("sandbox-{number}"),
        path: request.uri().path().to_owned(),
        received: shared.now(),
    };
    let echo = client_request_id(request.headers());
    request.extensions_mut().insert(call.clone());
    let mut response = next.run(request).await;
    set_header(&mut response, REQUEST_ID, &call.request_id);
    if let Some(echo) = echo {
        set_header(&mut response, CLIENT_REQUEST_ID, &echo);
    }
    response
}

async fn ledger(State(shared): SharedState) -> Response {
    let ledger = shared.state().ledger();
    Json(ledger).into_response()
}

async fn unknown(Extension(call): Extension<RequestContext>, method: Method) -> Response {
    let message = format!("Cannot {method} {}", call.path);
    call.error_response(StatusCode::NOT_FOUND, &message)
}
