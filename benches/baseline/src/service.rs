//! A service that records the times of all polls.
//!
//! Its processing time depends on the recording and is part of the file name (`…-4250ms.wav`), unlike in the sandbox. A
//! generation that it never accepted stays active forever.

use crate::Failure;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::net::TcpListener;

/// Number of bytes of a submission that are searched for the file name.
const HEAD: usize = 4096;

/// Serve generations with individual processing times, and report the polls at GET /report
#[derive(clap::Args)]
pub(crate) struct Service {}

impl Service {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            began: Instant::now(),
            generations: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/stt/create", post(create))
            .route("/v1/stt/{id}", get(poll))
            .route("/report", get(report))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        writeln!(std::io::stdout(), "http://{address}/v1")?;
        axum::serve(listener, router).await?;
        Ok(())
    }
}

struct Shared {
    began: Instant,
    generations: Mutex<HashMap<String, Generation>>,
}

/// One generation. All times are milliseconds since the start of the service.
#[derive(Default, Serialize)]
struct Generation {
    /// Time of the submission. 0 if it was never submitted here.
    created_ms: f64,
    /// Time at which the transcript is ready, if ever.
    ready_ms: Option<f64>,
    /// Times of the polls.
    polls_ms: Vec<f64>,
}

impl Shared {
    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1000.0
    }

    fn generations(&self) -> MutexGuard<'_, HashMap<String, Generation>> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let now = shared.now();
    let Some(processing_ms) = processing_ms(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut generations = shared.generations();
    let id = format!("timed-{}", generations.len());
    let generation = Generation {
        created_ms: now,
        ready_ms: Some(now + processing_ms),
        polls_ms: Vec::new(),
    };
    generations.insert(id.clone(), generation);
    (StatusCode::CREATED, Json(json!({"generation_id": id}))).into_response()
}

/// Returns the processing time from the file name of a submission, in milliseconds.
fn processing_ms(body: &[u8]) -> Option<f64> {
    let head = String::from_utf8_lossy(&body[..body.len().min(HEAD)]);
    let (name, _) = head.split_once("ms.wav\"")?;
    name.rsplit_once('-')?.1.parse().ok()
}

async fn poll(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Json<Value> {
    let now = shared.now();
    let mut generations = shared.generations();
    let generation = generations.entry(id).or_default();
    generation.polls_ms.push(now);
    Json(match generation.ready_ms {
        Some(ready) if ready <= now => json!({"status": "completed", "result": result()}),
        _ => json!({"status": "active"}),
    })
}

fn result() -> Value {
    let alternative = json!({"transcript": "so it is", "confidence": 1.0, "words": []});
    json!({
        "metadata": {"duration": 1.0, "channels": 1},
        "results": {"channels": [{"alternatives": [alternative]}]},
    })
}

async fn report(State(shared): State<Arc<Shared>>) -> Response {
    Json(&*shared.generations()).into_response()
}
