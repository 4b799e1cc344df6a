//! The calls of the API.

use super::desk::{Call, Desk, Polled};
use super::fault::Fault;
use super::reply::Reply;
use super::submission::{self, Submission};
use super::transcript;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Extension, Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Ends the connection that a request came on.
#[derive(Clone)]
pub(super) struct Connection(pub(super) CancellationToken);

impl Connection {
    /// Cuts it; nothing is answered any more.
    async fn cut(self) -> Response<Body> {
        self.0.cancel();
        std::future::pending().await
    }
}

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/stt/create", post(create))
        .route("/v1/stt", post(legacy))
        .route("/v1/stt/{id}", get(poll))
        .route("/v1/models", get(models))
        .route("/v2/billing", get(billing))
        .route("/sandbox/ledger", get(ledger))
        .fallback(unknown)
        .layer(DefaultBodyLimit::disable())
        .with_state(desk)
}

/// One call, and what its answer carries.
struct Exchange {
    desk: Arc<Desk>,
    connection: Connection,
    path: String,
    request_id: String,
    client_request_id: Option<String>,
}

impl Exchange {
    fn new(desk: Arc<Desk>, connection: Connection, uri: &Uri, headers: &HeaderMap) -> Self {
        let request_id = desk.new_id();
        let kept = |id: &&str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
            (1..=128).contains(&id.len()) && id.bytes().all(allowed)
        };
        let client_request_id = headers
            .get("x-client-request-id")
            .and_then(|id| id.to_str().ok())
            .filter(kept);
        Self {
            desk,
            connection,
            path: uri.path().to_owned(),
            request_id,
            client_request_id: client_request_id.map(str::to_owned),
        }
    }

    fn error(&self, status: u16, message: &str) -> Reply {
        Reply::error(status, message, &self.path, &self.request_id)
    }

    /// The answer with its headers, and with the faults that can happen to any answer.
    async fn send(self, reply: Reply, inference_id: Option<&str>) -> Response<Body> {
        let mut reply = reply.header("x-request-id", self.request_id);
        if let Some(id) = self.client_request_id {
            reply = reply.header("x-client-request-id", id);
        }
        if let Some(id) = inference_id {
            reply = reply.header("x-inference-id", id);
        }
        if self.desk.draws(Fault::Truncate) {
            reply.truncated()
        } else if self.desk.draws(Fault::Slow) {
            reply.slow()
        } else {
            reply.whole()
        }
    }

    /// What stands before every call; `Err` is the answer.
    async fn begin(self, call: Call, headers: &HeaderMap) -> Result<Self, Response<Body>> {
        if self.desk.draws(Fault::Refuse) {
            return Err(self.connection.cut().await);
        }
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let key = key.and_then(|value| value.strip_prefix("Bearer "));
        match self.desk.admit(call, key) {
            Ok(()) => Ok(self),
            Err(refused) => {
                let reply = self
                    .error(refused.status, refused.message)
                    .retry_after(refused.retry_after);
                Err(self.send(reply, None).await)
            }
        }
    }

    /// Errors of the server itself.
    fn failure(&self) -> Option<Reply> {
        if self.desk.draws(Fault::ErrorJson) {
            return Some(self.error(500, "Internal server error"));
        }
        let is_gateway = self
            .request_id
            .starts_with(|first: char| first.is_ascii_uppercase());
        let status = if is_gateway { 502 } else { 503 };
        self.desk
            .draws(Fault::ErrorHtml)
            .then(|| Reply::html(status))
    }

    /// Reads a submission; `Err` is the answer to one that is refused or lost.
    async fn receive(self, request: Request) -> Result<(Self, Submission), Response<Body>> {
        let read = submission::read(request).await;
        if self.desk.draws(Fault::DropBefore) {
            return Err(self.connection.cut().await);
        }
        let read = match self.failure() {
            Some(failure) => {
                self.desk.refused(failure.status);
                return Err(self.send(failure, None).await);
            }
            None if self.desk.draws(Fault::Reject) => {
                Err((400, "the audio is refused, as the fault says".to_owned()))
            }
            None => read,
        };
        match read {
            Ok(submission) => Ok((self, submission)),
            Err((status, message)) => {
                self.desk.refused(status);
                let reply = self.error(status, &message);
                Err(self.send(reply, None).await)
            }
        }
    }
}

async fn create(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Connection>,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response<Body> {
    let exchange = Exchange::new(desk, connection, &uri, &headers);
    let answer = async {
        let (exchange, submission) = exchange
            .begin(Call::Submit, &headers)
            .await?
            .receive(request)
            .await?;
        let id = exchange
            .desk
            .accept(submission, exchange.client_request_id.clone());
        if exchange.desk.draws(Fault::DropAfter) {
            return Err(exchange.connection.cut().await);
        }
        let reply = if exchange.desk.draws(Fault::Empty) {
            Reply::empty(201)
        } else {
            Reply::json(201, &json!({"generation_id": id}))
        };
        Ok(exchange.send(reply, Some(&id)).await)
    };
    answer.await.unwrap_or_else(|refusal| refusal)
}

async fn legacy(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Connection>,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response<Body> {
    let exchange = Exchange::new(desk, connection, &uri, &headers);
    let answer = async {
        let (exchange, submission) = exchange
            .begin(Call::Submit, &headers)
            .await?
            .receive(request)
            .await?;
        let result = transcript::result(&submission);
        let id = exchange
            .desk
            .accept(submission, exchange.client_request_id.clone());
        if exchange.desk.draws(Fault::DropAfter) {
            return Err(exchange.connection.cut().await);
        }
        tokio::time::sleep(exchange.desk.delay()).await;
        let reply = match exchange.desk.poll(&id) {
            Polled::Failed => exchange.error(500, "the transcription failed"),
            _ => Reply::json(201, &result),
        };
        Ok(exchange.send(reply, Some(&id)).await)
    };
    answer.await.unwrap_or_else(|refusal| refusal)
}

async fn poll(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let exchange = Exchange::new(desk, connection, &uri, &headers);
    let answer = async {
        let exchange = exchange.begin(Call::Poll, &headers).await?;
        if let Some(failure) = exchange.failure() {
            return Err(exchange.send(failure, None).await);
        }
        let desk = exchange.desk.clone();
        let asked = id.clone();
        // A long transcript takes a while to make.
        let polled = tokio::task::spawn_blocking(move || desk.poll(&asked)).await;
        let reply = match polled {
            Ok(Polled::InProgress(status)) => Reply::json(
                201,
                &json!({"generation_id": id, "status": status, "result": null}),
            ),
            Ok(Polled::Completed(result)) => Reply::json(
                201,
                &json!({"generation_id": id, "status": "completed", "result": result}),
            ),
            Ok(Polled::Failed) => {
                let error = json!({"name": "TranscriptionError", "message": "the audio could not be transcribed, as the fault says"});
                Reply::json(
                    201,
                    &json!({"generation_id": id, "status": "error", "error": error}),
                )
            }
            Ok(Polled::Missing) => exchange.error(404, "Generation not found"),
            Err(panic) => exchange.error(500, &panic.to_string()),
        };
        Ok(exchange.send(reply, Some(&id)).await)
    };
    answer.await.unwrap_or_else(|refusal| refusal)
}

async fn ledger(State(desk): State<Arc<Desk>>) -> Json<super::Ledger> {
    Json(desk.ledger())
}

async fn models() -> Json<Value> {
    let price = json!([{"name": "audio", "measure": "second", "price": "0.0001", "per": 1}]);
    let model = |id: &str| {
        json!({
            "id": id, "aliases": [id.trim_start_matches("#g1_")], "type": "stt",
            "pricing": {"kind": "units", "currency": "USD", "units": price},
        })
    };
    Json(json!({"data": [model("#g1_nova-2-general"), model("#g1_whisper-large")]}))
}

async fn billing(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let seconds: f64 = desk
        .ledger()
        .generations
        .iter()
        .filter(|row| !row.failed)
        .map(|row| row.duration_s)
        .sum();
    Json(json!({"balance": 100.0 - seconds * 0.0001, "currency": "USD"}))
}

async fn unknown(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Connection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let exchange = Exchange::new(desk, connection, &uri, &headers);
    let reply = exchange.error(404, "Cannot find this path");
    exchange.send(reply, None).await
}
