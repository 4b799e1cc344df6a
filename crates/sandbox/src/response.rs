//! Responses: complete ones, error responses, and responses with an injected fault.

use crate::fault::{Fault, InjectedFault};
use crate::submission::Rejection;
use crate::timestamp::Timestamp;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Number of chunks of a slow response.
const SLOW_CHUNKS: usize = 10;
/// Delay before each chunk, for one second in total.
const SLOW_CHUNK_DELAY: Duration = Duration::from_millis(100);

/// Data of a request that its response needs.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) request_id: String,
    pub(crate) path: String,
    pub(crate) received: Timestamp,
}

impl RequestContext {
    /// Returns an error response in the service's format.
    pub(crate) fn error_response(&self, status: StatusCode, message: &str) -> Response {
        let body = json!({
            "message": message,
            "path": self.path,
            "requestId": self.request_id,
            "statusCode": status.as_u16(),
            "timestamp": self.received,
        });
        (status, Json(body)).into_response()
    }

    /// Returns the error response of a rejected request.
    pub(crate) fn rejection_response(&self, refusal: &Rejection) -> Response {
        self.error_response(refusal.status, &refusal.message)
    }

    /// Returns a 429 response with `Retry-After`, rounded up to whole seconds.
    pub(crate) fn too_many_requests(&self, wait: Duration) -> Response {
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        let body = self.error_response(StatusCode::TOO_MANY_REQUESTS, "too many requests");
        ([(RETRY_AFTER, seconds)], body).into_response()
    }

    /// Returns the error response of a fault. Returns `None` for a fault of another kind.
    pub(crate) fn fault_response(&self, injected: InjectedFault) -> Option<Response> {
        let (status, message) = match (injected.fault, injected.second_form) {
            (Fault::ErrorJson, true) => return Some(problem_document()),
            (Fault::ErrorHtml, second) => return Some(gateway_page(second)),
            (Fault::Firewall, second) => return Some(firewall_page(second)),
            (Fault::RateLimit, _) => return Some(self.too_many_requests(Duration::from_secs(1))),
            (Fault::ErrorJson, false) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
            }
            (Fault::Reject, _) => (StatusCode::BAD_REQUEST, "the audio could not be decoded"),
            (Fault::Unauthorized, _) => (
                StatusCode::UNAUTHORIZED,
                "the API key is missing or not valid",
            ),
            (Fault::NoCredit, true) => (
                StatusCode::PAYMENT_REQUIRED,
                "the account has run out of credit",
            ),
            (Fault::NoCredit, false) => {
                (StatusCode::FORBIDDEN, "the account has run out of credit")
            }
            _ => return None,
        };
        Some(self.error_response(status, message))
    }
}

fn problem_document() -> Response {
    let body = json!({
        "title": "Internal Server Error",
        "status": 500,
        "message": "internal server error",
        "error": {"name": "InternalServerError", "message": "internal server error"},
    });
    let kind = [(CONTENT_TYPE, "application/problem+json")];
    (StatusCode::INTERNAL_SERVER_ERROR, kind, body.to_string()).into_response()
}

/// Returns the HTML page of a proxy whose upstream service is down.
fn gateway_page(unavailable: bool) -> Response {
    let (status, title) = if unavailable {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "503 Service Temporarily Unavailable",
        )
    } else {
        (StatusCode::BAD_GATEWAY, "502 Bad Gateway")
    };
    html_page(status, title)
}

/// Returns the HTML page with which a firewall blocks a request, or with which a proxy requires a log-in.
fn firewall_page(login: bool) -> Response {
    if login {
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        html_page(status, "Log in to the proxy")
    } else {
        html_page(StatusCode::FORBIDDEN, "Blocked by policy")
    }
}

fn html_page(status: StatusCode, title: &str) -> Response {
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, Html(body)).into_response()
}

/// Handle to cut the connection of a request.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionHandle(pub(crate) CancellationToken);

impl ConnectionHandle {
    /// Cuts the connection. The future never completes: it is dropped together with the connection.
    pub(crate) async fn sever<T>(&self) -> T {
        self.0.cancel();
        std::future::pending().await
    }
}

/// Returns a JSON response. A fault may slow it down or truncate it.
pub(crate) fn json_response(
    status: StatusCode,
    body: &impl Serialize,
    fault: Option<Fault>,
    cut: &ConnectionHandle,
) -> Response {
    let bytes = serde_json::to_vec(body).expect("every key is a string");
    let bytes = Bytes::from(bytes);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, bytes.len().into());
    let body = match fault {
        Some(Fault::Truncate) => truncated(bytes, cut.clone()),
        Some(Fault::Slow) => slow(bytes),
        _ => Body::from(bytes),
    };
    (status, headers, body).into_response()
}

fn truncated(mut bytes: Bytes, cut: ConnectionHandle) -> Body {
    bytes.truncate(bytes.len() / 2);
    let half = stream::iter([Ok::<_, Infallible>(bytes)]);
    // The server polls for the next chunk only after it has sent the first half.
    let end = stream::once(async move { cut.sever().await });
    Body::from_stream(half.chain(end))
}

fn slow(bytes: Bytes) -> Body {
    let size = bytes.len().div_ceil(SLOW_CHUNKS).max(1);
    Body::from_stream(stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(SLOW_CHUNK_DELAY).await;
        let chunk = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, Infallible>(chunk), rest))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RequestContext {
        RequestContext {
            request_id: "sandbox-1".to_owned(),
            path: "/v1/stt/create".to_owned(),
            received: Timestamp::from_millis(1_795_230_245_999),
        }
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn errors_have_the_services_format() {
        let response = request().error_response(StatusCode::BAD_REQUEST, "no");
        insta::assert_snapshot!(text(response).await, @r#"{"message":"no","path":"/v1/stt/create","requestId":"sandbox-1","statusCode":400,"timestamp":"2026-11-21T03:04:05Z"}"#);
    }

    #[test]
    fn error_faults_have_two_forms() {
        let status = |fault, second_form| {
            let error = request().fault_response(InjectedFault { fault, second_form });
            error.map(|response| response.status().as_u16())
        };
        let both = |fault| [false, true].map(|second_form| status(fault, second_form));
        assert_eq!(both(Fault::ErrorJson), [Some(500), Some(500)]);
        assert_eq!(both(Fault::ErrorHtml), [Some(502), Some(503)]);
        assert_eq!(both(Fault::Firewall), [Some(403), Some(407)]);
        assert_eq!(both(Fault::NoCredit), [Some(403), Some(402)]);
        assert_eq!(both(Fault::RateLimit), [Some(429), Some(429)]);
        assert_eq!(both(Fault::Slow), [None, None]);
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let wait = |ms| {
            request()
                .too_many_requests(Duration::from_millis(ms))
                .headers()[RETRY_AFTER]
                .clone()
        };
        assert_eq!([1, 1000, 1001].map(wait), ["1", "1", "2"]);
    }
}
