//! An HTTP server that records webhook requests.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl WebhookRequest {
    /// Returns the value of a header. Empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the body as JSON, and `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Returns the status of a request.
pub type Judge = fn(&WebhookRequest) -> u16;

#[derive(Clone)]
struct Shared {
    requests: Arc<Mutex<Vec<WebhookRequest>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    judge: Judge,
}

/// A server that listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Shared,
    _runtime: Runtime,
}

/// Status that stands for no response.
pub const NO_RESPONSE: u16 = 0;

impl Receiver {
    /// Starts a server that responds with these statuses in order and then with 200.
    pub fn start(statuses: &[u16]) -> Self {
        Self::start_with(statuses, |_| 200)
    }

    /// Starts a server that decides on the status of each request.
    pub fn start_strict(judge: Judge) -> Self {
        Self::start_with(&[], judge)
    }

    fn start_with(statuses: &[u16], judge: Judge) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Shared {
            statuses: Arc::new(Mutex::new(statuses.iter().copied().collect())),
            requests: Arc::default(),
            judge,
        };
        let router = Router::new().fallback(post).with_state(shared.clone());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    /// Returns the URL of the webhook. Its path stands for a secret.
    pub fn url(&self) -> String {
        format!("http://{}/secret-path", self.address)
    }

    /// Returns the URL of a path.
    pub fn url_of(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the requests received so far.
    pub fn requests(&self) -> Vec<WebhookRequest> {
        self.shared.requests.lock().unwrap().clone()
    }
}

async fn post(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let request = WebhookRequest {
        method,
        path: uri.path().to_owned(),
        headers,
        body,
    };
    let judged = (shared.judge)(&request);
    shared.requests.lock().unwrap().push(request);
    let status = shared.statuses.lock().unwrap().pop_front();
    match status.unwrap_or(judged) {
        NO_RESPONSE => std::future::pending().await,
        code => StatusCode::from_u16(code).unwrap(),
    }
}
