//! The calls.

use super::answer::{Asked, Cut, sent};
use super::book::{Book, Found, Turned};
use super::fault::{Call, Fault};
use super::ledger::{Outcome, Row};
use super::property;
use super::result::{Transcript, result};
use super::settings::Account;
use super::submission;
use crate::domain::time::Timestamp;
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
/// The most characters of a client's own request ID.
const MOST_ID_CHARS: usize = 128;
/// The most entries of a page of requests.
const MOST_LOGS: usize = 100;
/// How far back requests are listed, if it is not said.
const DAY: Duration = Duration::from_secs(86_400);
/// US dollars a second of audio, shown by `/v1/models`; of the sandbox's own making.
const PRICE_PER_SECOND: f64 = 0.0001;

/// What every call shares.
pub(super) struct Shared {
    pub(super) book: Mutex<Book>,
    pub(super) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) delay: Duration,
    pub(super) requests: AtomicU64,
}

impl Shared {
    /// The book, also after a panic: every change of it is whole before anything can panic.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

type Everything = State<Arc<Shared>>;

/// Every path of the service that the sandbox knows, and its own.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/stt/create", post(create))
        .route("/v1/stt/{id}", get(poll))
        .route("/v1/stt", post(legacy))
        .route("/v1/models", get(models))
        .route("/v2/billing", get(billing))
        .route("/v2/logs", get(logs))
        .route("/sandbox/ledger", get(ledger))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), stamp))
        .with_state(shared)
}

/// Numbers the call, and puts on its answer what every answer carries.
async fn stamp(State(shared): Everything, mut request: Request, next: Next) -> Response {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let asked = Asked {
        request_id: format!("sandbox-{number}"),
        path: request.uri().path().to_owned(),
        at: shared.now(),
    };
    let echo = client_request_id(request.headers());
    request.extensions_mut().insert(asked.clone());
    let mut response = next.run(request).await;
    set(&mut response, REQUEST_ID, &asked.request_id);
    if let Some(echo) = echo {
        set(&mut response, CLIENT_REQUEST_ID, &echo);
    }
    response
}

/// The client's own ID; dropped if it is not well-formed, as the service does.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let fits = (1..=MOST_ID_CHARS).contains(&id.len()) && id.chars().all(is_fine);
    fits.then(|| id.to_owned())
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// A submission that was accepted, and what goes wrong with its answer.
struct Taken {
    id: String,
    fails: bool,
    submission: submission::Submission,
    fault: Option<Fault>,
}

async fn create(
    State(shared): Everything,
    Extension(asked): Extension<Asked>,
    Extension(cut): Extension<Cut>,
    request: Request,
) -> Response {
    let taken = match take(&shared, &asked, &cut, request).await {
        Ok(taken) => taken,
        Err(response) => return response,
    };
    let response = match taken.fault {
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => sent(
            StatusCode::CREATED,
            &json!({"generation_id": taken.id}),
            fault,
            &cut,
        ),
    };
    with_inference_id(response, &taken.id)
}

async fn legacy(
    State(shared): Everything,
    Extension(asked): Extension<Asked>,
    Extension(cut): Extension<Cut>,
    request: Request,
) -> Response {
    let taken = match take(&shared, &asked, &cut, request).await {
        Ok(taken) => taken,
        Err(response) => return response,
    };
    tokio::time::sleep(shared.delay).await;
    let response = match taken.fault {
        _ if taken.fails => asked.refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the transcription failed",
        ),
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => {
            if fault != Some(Fault::Truncate) {
                shared.book().fetched(&taken.id);
            }
            sent(StatusCode::CREATED, &result(&taken.submission), fault, &cut)
        }
    };
    with_inference_id(response, &taken.id)
}

/// Takes a submission in: the door, the body, the checks, the ledger.
async fn take(
    shared: &Shared,
    asked: &Asked,
    cut: &Cut,
    request: Request,
) -> Result<Taken, Response> {
    let admitted = shared
        .book()
        .admit(Call::Submit, key(request.headers()), shared.now());
    let mishap = match admitted {
        Ok(mishap) => mishap,
        Err(turned) => return Err(refuse(shared, turned_away(asked, &turned), request).await),
    };
    let fault = mishap.map(|mishap| mishap.fault);
    if fault == Some(Fault::Refuse) {
        shared.book().cut();
        return cut.sever().await;
    }
    if let Some(error) = mishap.and_then(|mishap| asked.error_of(mishap)) {
        return Err(refuse(shared, error, request).await);
    }
    let client_request_id = client_request_id(request.headers());
    let submission = submission::read(request).await.map_err(|refusal| {
        shared.book().refused(refusal.status);
        asked.refused(&refusal)
    })?;
    if fault == Some(Fault::DropBefore) {
        shared.book().cut();
        return cut.sever().await;
    }
    let accepted = shared
        .book()
        .accept(submission.clone(), client_request_id, shared.now());
    if fault == Some(Fault::DropAfter) {
        return cut.sever().await;
    }
    Ok(Taken {
        id: accepted.id,
        fails: accepted.fails,
        submission,
        fault,
    })
}

/// Counts an error, and reads the body to its end before it is sent, so that a client still sending gets to see it.
async fn refuse(shared: &Shared, error: Response, request: Request) -> Response {
    shared.book().refused(error.status());
    let mut body = request.into_body().into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
    error
}

fn turned_away(asked: &Asked, turned: &Turned) -> Response {
    match turned {
        Turned::Refused(refusal) => asked.refused(refusal),
        Turned::OverLimit(wait) => asked.too_many(*wait),
    }
}

/// The answer to a poll that finds a generation.
#[derive(serde::Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Polled {
    Waiting,
    Active,
    Error { result: (), error: Value },
    Completed { result: Transcript },
}

async fn poll(
    State(shared): Everything,
    Extension(asked): Extension<Asked>,
    Extension(cut): Extension<Cut>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let admitted = shared.book().admit(Call::Poll, key(&headers), shared.now());
    let mishap = match admitted {
        Ok(mishap) => mishap,
        Err(turned) => return turned_away(&asked, &turned),
    };
    let fault = mishap.map(|mishap| mishap.fault);
    if fault == Some(Fault::Refuse) {
        return cut.sever().await;
    }
    if let Some(error) = mishap.and_then(|mishap| asked.error_of(mishap)) {
        return error;
    }
    // No generation has an ID that is not UTF-8.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let found = shared.book().poll(&id, fault, shared.now());
    let body = match found {
        Found::Missing => return asked.refusal(StatusCode::NOT_FOUND, "generation not found"),
        Found::Waiting => Polled::Waiting,
        Found::Active => Polled::Active,
        Found::Failed => Polled::Error {
            result: (),
            error: json!({"name": "TranscriptionError", "message": "the audio could not be transcribed"}),
        },
        Found::Completed(submission) => Polled::Completed {
            result: result(&submission),
        },
    };
    // The documents say 201 here, too.
    with_inference_id(sent(StatusCode::CREATED, &body, fault, &cut), &id)
}

fn with_inference_id(mut response: Response, id: &str) -> Response {
    set(&mut response, INFERENCE_ID, id);
    response
}

/// Sets a header; a value that no header can have is left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

async fn models(uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let priced = query.split('&').any(|pair| pair == "include=pricing");
    let model = |id: String| {
        let alias = id.strip_prefix("#g1_").map(str::to_owned);
        let mut model = json!({"id": id, "aliases": Vec::from_iter(alias), "type": "stt"});
        if priced {
            let unit =
                json!({"name": "audio", "measure": "second", "price": PRICE_PER_SECOND, "per": 1});
            model["pricing"] = json!({"kind": "units", "currency": "USD", "units": [unit]});
        }
        model
    };
    let data: Vec<_> = property::models().map(model).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

async fn billing(
    State(shared): Everything,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Response {
    let (checked, account) = {
        let book = shared.book();
        (book.check_key(key(&headers)), book.account)
    };
    match checked {
        Err(refusal) => asked.refused(&refusal),
        Ok(()) => {
            let balance = if account == Account::NoCredit {
                0
            } else {
                1_000_000
            };
            Json(json!({"balance": balance, "currency": "USD"})).into_response()
        }
    }
}

/// What is asked of the list of requests.
#[derive(serde::Deserialize)]
struct Range {
    start: Option<jiff::Timestamp>,
    end: Option<jiff::Timestamp>,
    limit: Option<usize>,
    offset: Option<usize>,
}

async fn logs(
    State(shared): Everything,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    range: Result<Query<Range>, QueryRejection>,
) -> Response {
    let now = shared.now();
    let mut book = shared.book();
    if let Err(refusal) = book.check_key(key(&headers)) {
        return asked.refused(&refusal);
    }
    if book.has_no_logs() {
        return asked.refusal(StatusCode::NOT_FOUND, "Cannot GET /v2/logs");
    }
    let Ok(Query(range)) = range else {
        return asked.refusal(
            StatusCode::BAD_REQUEST,
            "start and end are ISO 8601, limit and offset numbers",
        );
    };
    let time = |time: Option<jiff::Timestamp>, or: Timestamp| {
        time.map_or(or, |time| Timestamp::from_millis(time.as_millisecond()))
    };
    let rows = book.logs(time(range.start, now.before(DAY)), time(range.end, now));
    let (limit, offset) = (
        range.limit.unwrap_or(MOST_LOGS).min(MOST_LOGS),
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

fn log_entry(row: &Row) -> Value {
    let failed = row.outcome == Outcome::Failed;
    let cost = if failed {
        0.0
    } else {
        row.duration_s * PRICE_PER_SECOND
    };
    json!({
        "created": Timestamp::from_millis(row.created_ms),
        "status": if failed { "failed" } else { "succeeded" },
        "model": row.model,
        "cost": {"usd": cost, "credits": cost * 1e6},
        "inference_id": row.id,
        "client_request_id": row.client_request_id,
    })
}

async fn ledger(State(shared): Everything) -> Response {
    let ledger = shared.book().ledger();
    Json(ledger).into_response()
}

async fn unknown(Extension(asked): Extension<Asked>, method: Method) -> Response {
    let message = format!("Cannot {method} {}", asked.path);
    asked.refusal(StatusCode::NOT_FOUND, &message)
}
