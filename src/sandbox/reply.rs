//! Answers, whole and broken.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

/// Pieces that a slow answer comes in.
const DRIPS: usize = 10;
/// Between two of them.
const DRIP: Duration = Duration::from_millis(100);

/// An answer before it is sent.
pub(super) struct Reply {
    pub(super) status: u16,
    kind: &'static str,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            kind: "application/json",
            body: body.to_string().into_bytes(),
            headers: Vec::new(),
        }
    }

    /// One of the two error bodies of the service; which, by the request's ID, so that clients meet both.
    pub(super) fn error(status: u16, message: &str, path: &str, request_id: &str) -> Self {
        if request_id.starts_with(|first: char| first.is_ascii_uppercase()) {
            let problem = json!({"title": message, "status": status, "error": {"name": "Error", "message": message}});
            return Self {
                kind: "application/problem+json",
                ..Self::json(status, &problem)
            };
        }
        let body = json!({
            "message": message, "path": path, "requestId": request_id, "statusCode": status,
            "timestamp": "2025-05-01T00:00:00.000Z",
        });
        Self::json(status, &body)
    }

    /// What a proxy in front of the service says.
    pub(super) fn html(status: u16) -> Self {
        let title = if status == 502 {
            "502 Bad Gateway"
        } else {
            "503 Service Temporarily Unavailable"
        };
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self {
            status,
            kind: "text/html",
            body: page.into_bytes(),
            headers: Vec::new(),
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            kind: "application/json",
            body: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn retry_after(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.header(RETRY_AFTER.as_str(), seconds.to_string()),
            None => self,
        }
    }

    /// As it should be.
    pub(super) fn whole(self) -> Response<Body> {
        let body = Body::from(self.body.clone());
        self.with(body)
    }

    /// In drips.
    pub(super) fn slow(self) -> Response<Body> {
        let size = self.body.len().div_ceil(DRIPS).max(1);
        let drips: Vec<_> = self.body.chunks(size).map(Bytes::copy_from_slice).collect();
        let dripping = stream::iter(drips).then(|drip| async {
            tokio::time::sleep(DRIP).await;
            Ok::<_, io::Error>(drip)
        });
        self.with(Body::from_stream(dripping))
    }

    /// The head and half of the body, and then the end of the connection.
    pub(super) fn truncated(self) -> Response<Body> {
        let half = Bytes::copy_from_slice(&self.body[..self.body.len() / 2]);
        let cut = stream::once(async {
            // Time for what came before to leave.
            tokio::time::sleep(DRIP).await;
            Err(io::Error::other("cut off, as the fault says"))
        });
        self.with(Body::from_stream(stream::iter([Ok(half)]).chain(cut)))
    }

    fn with(self, body: Body) -> Response<Body> {
        let length = self.body.len();
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
