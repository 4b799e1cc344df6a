//! JSON output of `list` and `show`.

use crate::domain::{Failure, Timestamp};
use crate::store::sqlite::hooks::HookRun;
use crate::store::sqlite::items::{Attempt, Item};
use crate::store::sqlite::recordings::Location;
use serde::Serialize;
use serde_json::{Map, Value};

/// JSON form of an item. Fields may be added, but never removed or renamed.
#[derive(Debug, Serialize)]
pub(super) struct JsonItem {
    id: i64,
    source: String,
    path: String,
    relative: String,
    state: &'static str,
    model: String,
    options: Map<String, Value>,
    attempts: u32,
    generation_id: Option<String>,
    size_bytes: u64,
    duration_s: Option<f64>,
    sha256: Option<String>,
    silent: Option<bool>,
    paid_by: Option<i64>,
    due_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Reason the item is not done, as text. `null` in a final state.
    waits_for: Option<String>,
    error: Option<JsonError>,
    outputs: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct JsonError {
    class: &'static str,
    message: String,
}

impl From<&Failure> for JsonError {
    fn from(failure: &Failure) -> Self {
        Self {
            class: failure.class.as_str(),
            message: failure.message.clone(),
        }
    }
}

impl JsonItem {
    /// Converts an item. `waits_for` is the reason it is not done, if any.
    pub(super) fn of(item: &Item, waits_for: Option<String>) -> Self {
        let is_queued = item.state == crate::domain::JobState::Queued;
        Self {
            id: item.id.0,
            source: item.source.clone(),
            path: location_text(&item.location),
            relative: item.relative.to_string_lossy().into_owned(),
            state: item.state.as_str(),
            model: item.request.model().to_owned(),
            options: item.request.options().clone(),
            attempts: item.attempts,
            generation_id: item.generation_id.as_ref().map(|id| id.as_str().to_owned()),
            size_bytes: item.size_bytes,
            duration_s: item.duration_s,
            sha256: item.sha256.clone(),
            silent: item.silent,
            paid_by: item.paid_by.map(|job| job.0),
            due_at: is_queued.then_some(item.due_at),
            expires_at: item.expires_at,
            waits_for,
            error: item.error.as_ref().map(JsonError::from),
            outputs: item
                .outputs
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// JSON form of a submission attempt.
#[derive(Debug, Serialize)]
pub(super) struct JsonAttempt {
    id: i64,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    outcome: String,
    client_request_id: String,
    generation_id: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    billed_s: Option<f64>,
    error: Option<JsonError>,
}

impl From<&Attempt> for JsonAttempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.0,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome.clone(),
            client_request_id: attempt.client_request_id.clone(),
            generation_id: attempt
                .generation_id
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            http_status: attempt.http_status,
            request_id: attempt.request_id.clone(),
            billed_s: attempt.billed_s,
            error: attempt.error.as_ref().map(JsonError::from),
        }
    }
}

/// JSON form of the hook run for a transcript.
#[derive(Debug, Serialize)]
pub(super) struct JsonHook {
    ended_at: Option<Timestamp>,
    status: Option<i32>,
    error: Option<String>,
}

impl From<&HookRun> for JsonHook {
    fn from(hook: &HookRun) -> Self {
        Self {
            ended_at: hook.ended_at,
            status: hook.exit_status,
            error: hook.error.clone(),
        }
    }
}

/// Returns the absolute path or the URL. Invalid UTF-8 is replaced.
pub(super) fn location_text(location: &Location) -> String {
    match location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url.clone(),
    }
}
