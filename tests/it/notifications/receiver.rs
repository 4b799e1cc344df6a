//! An HTTP server that records webhook requests.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// A webhook request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    pub delivery: String,
    pub signature: Option<String>,
    pub content_type: String,
    pub body: String,
}

#[derive(Clone, Default)]
struct Shared {
    requests: Arc<Mutex<Vec<WebhookRequest>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
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
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Shared {
            statuses: Arc::new(Mutex::new(statuses.iter().copied().collect())),
            ..Shared::default()
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

    /// Returns the requests received so far.
    pub fn requests(&self) -> Vec<WebhookRequest> {
        self.shared.requests.lock().unwrap().clone()
    }
}

async fn post(State(shared): State<Shared>, headers: HeaderMap, body: String) -> StatusCode {
    let text = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
    shared.requests.lock().unwrap().push(WebhookRequest {
        delivery: text("x-nightscribe-delivery").unwrap(),
        signature: text("x-nightscribe-signature"),
        content_type: text("content-type").unwrap(),
        body,
    });
    let status = shared.statuses.lock().unwrap().pop_front();
    match status {
        None => StatusCode::OK,
        Some(NO_RESPONSE) => std::future::pending().await,
        Some(code) => StatusCode::from_u16(code).unwrap(),
    }
}
