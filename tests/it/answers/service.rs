//! A service whose answers to polls are chosen by the test.

use crate::harness::{TestEnv, settings};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Status and body of the answer to a poll, given the ID of the generation (`g-1`, `g-2` and so on) and the number of
/// the poll, from 1.
type Answer = dyn Fn(&str, usize) -> (u16, Vec<u8>) + Send + Sync;

/// The running service. It accepts every submission.
pub struct AnswerService {
    address: SocketAddr,
    requests: Arc<Requests>,
    _runtime: Runtime,
}

struct Requests {
    answer: Box<Answer>,
    submissions: Mutex<usize>,
    polls: Mutex<HashMap<String, usize>>,
}

impl AnswerService {
    pub fn start(answer: impl Fn(&str, usize) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Requests {
            answer: Box::new(answer),
            submissions: Mutex::default(),
            polls: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/stt/create", post(create))
            .route("/v1/stt/{generation}", get(poll))
            .with_state(requests.clone());
        let runtime = Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            requests,
            _runtime: runtime,
        }
    }

    /// Creates an environment with `recordings` recordings that uses this service instead of the sandbox. `api` is
    /// added to the section `[api]`.
    pub fn env(&self, recordings: u32, api: &str) -> TestEnv {
        let env = TestEnv::with_recordings(settings(), recordings);
        let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
        let base_url = format!("http://{}/v1", self.address);
        let config = config.replace(&env.sandbox().base_url(), &base_url);
        let config = config.replace("[api]\n", &format!("[api]\n{api}\n"));
        fs::write(env.path("nightscribe.toml"), config).unwrap();
        env
    }

    /// Returns the number of submissions, each of which is paid for.
    pub fn submissions(&self) -> usize {
        *self.requests.submissions.lock().unwrap()
    }
}

async fn create(State(requests): State<Arc<Requests>>, _audio: axum::body::Bytes) -> String {
    let mut submissions = requests.submissions.lock().unwrap();
    *submissions += 1;
    format!(r#"{{"generation_id":"g-{submissions}"}}"#)
}

async fn poll(
    State(requests): State<Arc<Requests>>,
    Path(generation): Path<String>,
) -> (StatusCode, Vec<u8>) {
    let number = {
        let mut polls = requests.polls.lock().unwrap();
        let number = polls.entry(generation.clone()).or_default();
        *number += 1;
        *number
    };
    let (status, body) = (requests.answer)(&generation, number);
    (StatusCode::from_u16(status).unwrap(), body)
}
