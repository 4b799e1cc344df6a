//! Lists of models, requests and charges, and the balance.

use super::shared::{SharedState, key};
use crate::ledger::{GenerationOutcome, LedgerEntry};
use crate::property;
use crate::response::RequestContext;
use crate::settings::AccountState;
use crate::timestamp::Timestamp;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::time::Duration;

/// Maximum number of entries of a page of requests.
const MAX_LOGS: usize = 100;
/// Default period of the list of requests.
const DEFAULT_LOGS_PERIOD: Duration = Duration::from_secs(86_400);
/// Price in US dollars per second of audio, from `/v1/models`. Made up.
pub(super) const PRICE_PER_SECOND: f64 = 0.0001;

/// Catalogue of models. Withdrawn ones are only in the list of deprecations.
pub(super) async fn models(State(shared): SharedState, uri: Uri) -> Response {
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
pub(super) struct TransactionsQuery {
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// Ledger of the account, newest first. The cursor is the number of rows before the page.
pub(super) async fn transactions(
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

pub(super) async fn deprecations(State(shared): SharedState) -> Response {
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

pub(super) async fn billing(
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
pub(super) struct LogsQuery {
    start: Option<jiff::Timestamp>,
    end: Option<jiff::Timestamp>,
    limit: Option<usize>,
    offset: Option<usize>,
}

pub(super) async fn logs(
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
