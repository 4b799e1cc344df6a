//! An HTTP server that a webhook is posted to.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// What was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub delivery: String,
    pub signature: Option<String>,
    pub content_type: String,
    pub body: String,
}

#[derive(Clone, Default)]
struct Desk {
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

/// It listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    desk: Desk,
    _runtime: Runtime,
}

/// The answer that never comes.
pub const NEVER: u16 = 0;

impl Receiver {
    /// Answers with these codes, one after the other, and then with 200.
    pub fn start(answers: &[u16]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let desk = Desk {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            ..Desk::default()
        };
        let router = Router::new().fallback(post).with_state(desk.clone());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            desk,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/secret-path", self.address)
    }

    pub fn got(&self) -> Vec<Got> {
        self.desk.got.lock().unwrap().clone()
    }
}

async fn post(State(desk): State<Desk>, headers: HeaderMap, body: String) -> StatusCode {
    let text = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
    desk.got.lock().unwrap().push(Got {
        delivery: text("x-nightscribe-delivery").unwrap(),
        signature: text("x-nightscribe-signature"),
        content_type: text("content-type").unwrap(),
        body,
    });
    let answer = desk.answers.lock().unwrap().pop_front();
    match answer {
        None => StatusCode::OK,
        Some(NEVER) => std::future::pending().await,
        Some(code) => StatusCode::from_u16(code).unwrap(),
    }
}
