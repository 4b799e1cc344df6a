//! Endpoints of the sandbox.

use crate::fault::{Endpoint, Fault};
use crate::ledger::{GenerationOutcome, LedgerEntry};
use crate::property;
use crate::response::{ConnectionHandle, RequestContext, json_response};
use crate::result::{ResultBody, result};
use crate::settings::AccountState;
use crate::state::{Denied, GenerationLookup, SandboxState};
use crate::submission;
use crate::timestamp::Timestamp;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const INFERENCE_ID: HeaderName = HeaderName::from_static("x-inference-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
const USD_SPENT: HeaderName = HeaderName::from_static("x-aimlapi-usd-spent");
/// Maximum length of a client request ID, in characters.
const MAX_ID_CHARS: usize = 128;
/// Maximum number of entries of a page of requests.
const MAX_LOGS: usize = 100;
/// Default period of the list of requests.
const DEFAULT_LOGS_PERIOD: Duration = Duration::from_secs(86_400);
/// Price in US dollars per second of audio, from `/v1/models`. Made up.
const PRICE_PER_SECOND: f64 = 0.0001;

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
        .route("/v1/stt/create", post(create))
        .route("/v1/stt/{id}", get(poll))
        .route("/v1/stt", post(legacy))
        .route("/v1/models", get(models))
        .route("/v1/models/deprecations", get(deprecations))
        .route("/v2/billing", get(billing))
        .route("/v2/billing/transactions", get(transactions))
        .route("/v2/logs", get(logs))
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

/// Accepted submission, and the fault to inject into its response.
struct AcceptedSubmission {
    id: String,
    fails: bool,
    submission: submission::ReceivedSubmission,
    fault: Option<Fault>,
}

async fn create(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let accepted = match accept_submission(&shared, &call, &cut, request).await {
        Ok(accepted) => accepted,
        Err(response) => return response,
    };
    let response = match accepted.fault {
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => json_response(
            StatusCode::CREATED,
            &json!({"generation_id": accepted.id}),
            fault,
            &cut,
        ),
    };
    with_inference_id(response, &accepted.id)
}

async fn legacy(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let accepted = match accept_submission(&shared, &call, &cut, request).await {
        Ok(accepted) => accepted,
        Err(response) => return response,
    };
    tokio::time::sleep(shared.delay).await;
    let response = match accepted.fault {
        _ if accepted.fails => call.error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the transcription failed",
        ),
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => {
            if fault != Some(Fault::Truncate) {
                shared.state().mark_fetched(&accepted.id);
            }
            json_response(
                StatusCode::CREATED,
                &result(&accepted.submission),
                fault,
                &cut,
            )
        }
    };
    with_inference_id(response, &accepted.id)
}

/// Admits, reads, validates and accepts a submission. The error is the response to a rejected one.
async fn accept_submission(
    shared: &Shared,
    call: &RequestContext,
    cut: &ConnectionHandle,
    request: Request,
) -> Result<AcceptedSubmission, Response> {
    let admitted = shared
        .state()
        .admit(Endpoint::Submit, key(request.headers()), shared.now());
    let mishap = match admitted {
        Ok(mishap) => mishap,
        Err(denied) => return Err(reject(shared, denied_response(call, &denied), request).await),
    };
    let fault = mishap.map(|mishap| mishap.fault);
    if fault == Some(Fault::Refuse) {
        shared.state().count_cut();
        return cut.sever().await;
    }
    if let Some(error) = mishap.and_then(|mishap| call.fault_response(mishap)) {
        return Err(reject(shared, error, request).await);
    }
    let client_request_id = client_request_id(request.headers());
    let submission = submission::read(request).await.and_then(|submission| {
        shared.state().check_model(&submission.model)?;
        Ok(submission)
    });
    let submission = submission.map_err(|refusal| {
        shared.state().count_rejected(refusal.status);
        call.rejection_response(&refusal)
    })?;
    if fault == Some(Fault::DropBefore) {
        shared.state().count_cut();
        return cut.sever().await;
    }
    let accepted = shared
        .state()
        .accept(submission.clone(), client_request_id, shared.now());
    if fault == Some(Fault::DropAfter) {
        return cut.sever().await;
    }
    Ok(AcceptedSubmission {
        id: accepted.id,
        fails: accepted.fails,
        submission,
        fault,
    })
}

/// Counts an error response and reads the request's body to its end.
///
/// A client that is still sending could not read the response otherwise.
async fn reject(shared: &Shared, error: Response, request: Request) -> Response {
    shared.state().count_rejected(error.status());
    let mut body = request.into_body().into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
    error
}

fn denied_response(call: &RequestContext, denied: &Denied) -> Response {
    match denied {
        Denied::Rejected(refusal) => call.rejection_response(refusal),
        Denied::OverLimit(wait) => call.too_many_requests(*wait),
    }
}

/// Response to a poll of an existing generation.
#[derive(serde::Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum PollBody {
    Waiting,
    Active,
    Error { result: (), error: Value },
    Completed { result: ResultBody },
}

async fn poll(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let admitted = shared
        .state()
        .admit(Endpoint::Poll, key(&headers), shared.now());
    let mishap = match admitted {
        Ok(mishap) => mishap,
        Err(denied) => return denied_response(&call, &denied),
    };
    let fault = mishap.map(|mishap| mishap.fault);
    if fault == Some(Fault::Refuse) {
        return cut.sever().await;
    }
    if let Some(error) = mishap.and_then(|mishap| call.fault_response(mishap)) {
        return error;
    }
    // An ID that is not UTF-8 matches no generation.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let found = shared.state().poll(&id, fault, shared.now());
    let spent = match &found {
        GenerationLookup::Completed(submission) => submission.duration_s * PRICE_PER_SECOND,
        _ => 0.0,
    };
    let body = match found {
        GenerationLookup::Missing => {
            return call.error_response(StatusCode::NOT_FOUND, "generation not found");
        }
        GenerationLookup::Waiting => PollBody::Waiting,
        GenerationLookup::Active => PollBody::Active,
        GenerationLookup::Failed => PollBody::Error {
            result: (),
            error: json!({"name": "TranscriptionError", "message": "the audio could not be transcribed"}),
        },
        GenerationLookup::Completed(submission) => PollBody::Completed {
            result: result(&submission),
        },
    };
    // The service documents status 201 for polls, too.
    let mut response = json_response(StatusCode::CREATED, &body, fault, &cut);
    set_header(&mut response, USD_SPENT, &spent.to_string());
    with_inference_id(response, &id)
}

fn with_inference_id(mut response: Response, id: &str) -> Response {
    set_header(&mut response, INFERENCE_ID, id);
    response
}

/// Sets a header. A value that a header cannot carry is ignored.
fn set_header(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Catalogue of models. Withdrawn ones are only in the list of deprecations.
async fn models(State(shared): SharedState, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let priced = query.split('&').any(|pair| pair == "include=pricing");
    let model = |id: String| {
        let alias = id.strip_prefix("#g1_").map(str::to_owned);
        let aliases = Vec::from_iter(alias);
        let mut model =
            json!({"id": id, "aliases": aliases, "type": "internal/speech-to-text/submit"});
        if priced {
            model["pricing"] = pricing(&id);
        }
        model
    };
    let state = shared.state();
    let withdrawn = state.withdrawn_models();
    let mut data: Vec<_> = property::models()
        .filter(|id| !withdrawn.contains(id))
        .map(model)
        .collect();
    data.push(json!({"id": "openai/gpt-4o", "aliases": ["gpt-4o"], "type": "chat-completion"}));
    Json(json!({"object": "list", "data": data})).into_response()
}

/// Returns the pricing of a model: by token for OpenAI's, in variants for AssemblyAI's, and by second for the others.
fn pricing(id: &str) -> Value {
    if id.starts_with("openai/") {
        let unit = json!({"name": "token", "measure": "provided", "price": 2.5, "per": 1_000_000});
        return json!({"kind": "fixed", "currency": "USD", "units": [unit]});
    }
    if id.starts_with("aai/") {
        let variant = |diarize: bool, price: f64| json!({"when": {"speaker_labels": diarize}, "price": price, "unit": "second", "per": 1});
        let variants = [
            variant(false, PRICE_PER_SECOND),
            variant(true, 2.0 * PRICE_PER_SECOND),
        ];
        return json!({"kind": "variants", "currency": "USD", "dimensions": ["speaker_labels"], "variants": variants});
    }
    let unit = |direction: &str, price: f64| json!({"name": "second", "measure": direction, "price": price, "per": 1});
    let units = [unit("provided", PRICE_PER_SECOND), unit("generated", 0.0)];
    json!({"kind": "fixed", "currency": "USD", "units": units})
}

/// Query of the ledger.
#[derive(serde::Deserialize)]
struct TransactionsQuery {
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// Ledger of the account, newest first. The cursor is the number of rows before the page.
async fn transactions(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    headers: HeaderMap,
    query: Result<Query<TransactionsQuery>, QueryRejection>,
) -> Response {
    let state = shared.state();
    if let Err(refusal) = state.check_key(key(&headers)) {
        return call.rejection_response(&refusal);
    }
    if state.is_management_key() {
        let message = "management keys cannot read transactions";
        return call.error_response(StatusCode::FORBIDDEN, message);
    }
    let Ok(Query(query)) = query else {
        return call.error_response(StatusCode::BAD_REQUEST, "invalid cursor");
    };
    let rows = state.logs(
        Timestamp::from_millis(i64::MIN),
        Timestamp::from_millis(i64::MAX),
    );
    let charged = rows
        .iter()
        .filter(|row| row.outcome != GenerationOutcome::Failed);
    let (limit, from) = (
        query.limit.unwrap_or(MAX_LOGS).min(MAX_LOGS),
        query.cursor.unwrap_or(0),
    );
    let page: Vec<_> = charged.clone().skip(from).take(limit).collect();
    let end = from + page.len();
    let next_cursor = (charged.count() > end).then(|| end.to_string());
    let entry = |row: &&&LedgerEntry| {
        json!({
            "id": format!("txn-{}", row.id),
            "type": "usage",
            "reference_id": row.id,
            "amount": -charge(row),
            "currency": "USD",
            "created_at": Timestamp::from_millis(row.created_ms),
        })
    };
    let data: Vec<_> = page.iter().map(entry).collect();
    let pagination = json!({"next_cursor": next_cursor, "has_more": next_cursor.is_some()});
    Json(json!({"data": data, "pagination": pagination})).into_response()
}

/// Returns what a generation costs, in US dollars.
fn charge(row: &LedgerEntry) -> f64 {
    match row.outcome {
        GenerationOutcome::Failed => 0.0,
        _ => row.duration_s * PRICE_PER_SECOND,
    }
}

async fn deprecations(State(shared): SharedState) -> Response {
    let entry = |model: &String| {
        json!({
            "id": model,
            "aliases": Vec::from_iter(model.strip_prefix("#g1_")),
            "status": "withdrawn",
            "deprecated_at": "2026-06-01T00:00:00Z",
            "shutdown_at": "2026-09-01T00:00:00Z",
            "replaced_by": "deepgram/nova-3-general",
            "reason": "The provider no longer offers this model.",
        })
    };
    let data: Vec<_> = shared
        .state()
        .withdrawn_models()
        .iter()
        .map(entry)
        .collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

async fn billing(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    headers: HeaderMap,
) -> Response {
    let (checked, account) = {
        let book = shared.state();
        (book.check_key(key(&headers)), book.account)
    };
    match checked {
        Err(refusal) => call.rejection_response(&refusal),
        Ok(()) => {
            let balance = if account == AccountState::NoCredit {
                0
            } else {
                1_000_000
            };
            Json(json!({"balance": balance, "currency": "USD"})).into_response()
        }
    }
}

/// Query of the list of requests.
#[derive(serde::Deserialize)]
struct LogsQuery {
    start: Option<jiff::Timestamp>,
    end: Option<jiff::Timestamp>,
    limit: Option<usize>,
    offset: Option<usize>,
}

async fn logs(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    headers: HeaderMap,
    range: Result<Query<LogsQuery>, QueryRejection>,
) -> Response {
    let now = shared.now();
    let mut book = shared.state();
    if let Err(refusal) = book.check_key(key(&headers)) {
        return call.rejection_response(&refusal);
    }
    if book.has_no_logs() {
        return call.error_response(StatusCode::NOT_FOUND, "Cannot GET /v2/logs");
    }
    let Ok(Query(range)) = range else {
        return call.error_response(
            StatusCode::BAD_REQUEST,
            "start and end must be ISO 8601 times, limit and offset must be numbers",
        );
    };
    let time = |time: Option<jiff::Timestamp>, default: Timestamp| {
        time.map_or(default, |time| {
            Timestamp::from_millis(time.as_millisecond())
        })
    };
    let rows = book.logs(
        time(range.start, now.before(DEFAULT_LOGS_PERIOD)),
        time(range.end, now),
    );
    let (limit, offset) = (
        range.limit.unwrap_or(MAX_LOGS).min(MAX_LOGS),
        range.offset.unwrap_or(0),
    );
    let page: Vec<_> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .map(|row| log_entry(row))
        .collect();
    let has_more = offset + page.len() < rows.len();
    let pagination =
        json!({"limit": limit, "offset": offset, "total": rows.len(), "has_more": has_more});
    Json(json!({"data": page, "pagination": pagination})).into_response()
}

fn log_entry(row: &LedgerEntry) -> Value {
    let failed = row.outcome == GenerationOutcome::Failed;
    let cost = charge(row);
    json!({
        "created": Timestamp::from_millis(row.created_ms),
        "status": if failed { "failed" } else { "succeeded" },
        "model": row.model,
        "cost": {"usd": cost, "credits": cost * 1e6},
        "inference_id": row.id,
        "client_request_id": row.client_request_id,
    })
}

async fn ledger(State(shared): SharedState) -> Response {
    let ledger = shared.state().ledger();
    Json(ledger).into_response()
}

async fn unknown(Extension(call): Extension<RequestContext>, method: Method) -> Response {
    let message = format!("Cannot {method} {}", call.path);
    call.error_response(StatusCode::NOT_FOUND, &message)
}
