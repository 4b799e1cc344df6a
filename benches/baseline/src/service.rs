//! A service that writes down when each generation was asked for. The sandbox takes the same time for all; this one
//! takes for each what the recording's name says (`…-4250ms.wav`), and works for ever on what it never accepted.

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

/// A name is looked for in so many bytes of a submission.
const HEAD: usize = 4096;

/// Serve generations, each with a time of its own, and write down each poll; GET /report gives it
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

/// Times are milliseconds since the service began.
#[derive(Default, Serialize)]
struct Generation {
    /// 0 for what was never submitted here.
    created_ms: f64,
    /// When its transcript is there, if ever.
    ready_ms: Option<f64>,
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
    let Some(takes_ms) = takes_ms(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut generations = shared.generations();
    let id = format!("timed-{}", generations.len());
    let generation = Generation {
        created_ms: now,
        ready_ms: Some(now + takes_ms),
        polls_ms: Vec::new(),
    };
    generations.insert(id.clone(), generation);
    (StatusCode::CREATED, Json(json!({"generation_id": id}))).into_response()
}

/// What the file's name says that its transcription takes.
fn takes_ms(body: &[u8]) -> Option<f64> {
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
