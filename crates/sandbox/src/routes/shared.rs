//! State and headers that all endpoints share.

use crate::state::SandboxState;
use crate::timestamp::Timestamp;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
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

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

pub(super) type SharedState = State<Arc<Shared>>;

/// Returns the client request ID. A malformed one is ignored, as by the service.
pub(super) fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let is_valid = (1..=MAX_ID_CHARS).contains(&id.len()) && id.chars().all(is_allowed);
    is_valid.then(|| id.to_owned())
}

/// Returns the key of a request.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Sets a header. A value that a header cannot carry is ignored.
pub(super) fn set_header(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
