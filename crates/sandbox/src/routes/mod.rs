//! Endpoints of the sandbox. `submissions`: submissions and polls; `lists`: models, requests, charges and the balance.

mod lists;
mod submissions;

use crate::response::RequestContext;
use crate::state::SandboxState;
use crate::timestamp::Timestamp;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
/// Maximum length of a client request ID, in characters.
const MAX_ID_CHARS: usize = 128;

/// State shared by all requests.
pub(crate) struct Shared {
    pub(crate) state: Mutex<SandboxState>,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) delay: Duration,
    pub(crate) requests: AtomicU64,
}

impl Shared {
    /// Locks the state.
    ///
    /// A poisoned lock is ignored, because every change of the state is complete before any code can panic.
    pub(crate) fn state(&self) -> MutexGuard<'_, SandboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

type SharedState = State<Arc<Shared>>;

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

/// Returns the client request ID. A malformed one is ignored, as by the service.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let is_valid = (1..=MAX_ID_CHARS).contains(&id.len()) && id.chars().all(is_allowed);
    is_valid.then(|| id.to_owned())
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Sets a header. A value that a header cannot carry is ignored.
fn set_header(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

async fn ledger(State(shared): SharedState) -> Response {
    let ledger = shared.state().ledger();
    Json(ledger).into_response()
}

async fn unknown(Extension(call): Extension<RequestContext>, method: Method) -> Response {
    let message = format!("Cannot {method} {}", call.path);
    call.error_response(StatusCode::NOT_FOUND, &message)
}
