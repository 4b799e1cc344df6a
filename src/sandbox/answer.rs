//! Answers, whole and broken.

use super::fault::{Fault, Mishap};
use super::submission::Refusal;
use crate::domain::time::Timestamp;
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

/// Drips of a slow answer, and the time before each: a second in all.
const DRIPS: usize = 10;
const DRIP_EVERY: Duration = Duration::from_millis(100);

/// A call as its answer needs to know it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) request_id: String,
    pub(super) path: String,
    pub(super) at: Timestamp,
}

impl Asked {
    /// An error in the service's own shape.
    pub(super) fn refusal(&self, status: StatusCode, message: &str) -> Response {
        let body = json!({
            "message": message,
            "path": self.path,
            "requestId": self.request_id,
            "statusCode": status.as_u16(),
            "timestamp": self.at,
        });
        (status, Json(body)).into_response()
    }

    /// A refusal of what was asked.
    pub(super) fn refused(&self, refusal: &Refusal) -> Response {
        self.refusal(refusal.status, &refusal.message)
    }

    /// 429, to come back after this time.
    pub(super) fn too_many(&self, wait: Duration) -> Response {
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        let body = self.refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
        ([(RETRY_AFTER, seconds)], body).into_response()
    }

    /// The error that a fault answers with, if it is one that does.
    pub(super) fn error_of(&self, mishap: Mishap) -> Option<Response> {
        let (status, message) = match (mishap.fault, mishap.second_form) {
            (Fault::ErrorJson, true) => return Some(problem()),
            (Fault::ErrorHtml, second) => return Some(page(second)),
            (Fault::RateLimit, _) => return Some(self.too_many(Duration::from_secs(1))),
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
        Some(self.refusal(status, message))
    }
}

fn problem() -> Response {
    let body = json!({
        "title": "Internal Server Error",
        "status": 500,
        "message": "internal server error",
        "error": {"name": "InternalServerError", "message": "internal server error"},
    });
    let kind = [(CONTENT_TYPE, "application/problem+json")];
    (StatusCode::INTERNAL_SERVER_ERROR, kind, body.to_string()).into_response()
}

/// The page of a proxy in front of a service that is down.
fn page(unavailable: bool) -> Response {
    let (status, title) = if unavailable {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "503 Service Temporarily Unavailable",
        )
    } else {
        (StatusCode::BAD_GATEWAY, "502 Bad Gateway")
    };
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, Html(page)).into_response()
}

/// The way to cut the connection that a call came on.
#[derive(Debug, Clone)]
pub(super) struct Cut(pub(super) CancellationToken);

impl Cut {
    /// Cuts it. This never ends by itself: the connection goes, and the call with it.
    pub(super) async fn sever<T>(&self) -> T {
        self.0.cancel();
        std::future::pending().await
    }
}

/// A JSON answer as a fault lets it out: whole, in drips, or cut in its middle.
pub(super) fn sent(
    status: StatusCode,
    body: &impl Serialize,
    fault: Option<Fault>,
    cut: &Cut,
) -> Response {
    let bytes = serde_json::to_vec(body).expect("its keys are strings");
    let bytes = Bytes::from(bytes);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, bytes.len().into());
    let body = match fault {
        Some(Fault::Truncate) => halved(bytes, cut.clone()),
        Some(Fault::Slow) => dripping(bytes),
        _ => Body::from(bytes),
    };
    (status, headers, body).into_response()
}

fn halved(mut bytes: Bytes, cut: Cut) -> Body {
    bytes.truncate(bytes.len() / 2);
    let half = stream::iter([Ok::<_, Infallible>(bytes)]);
    // Asked for more, the server has sent the half; only then is it cut.
    let end = stream::once(async move { cut.sever().await });
    Body::from_stream(half.chain(end))
}

fn dripping(bytes: Bytes) -> Body {
    let size = bytes.len().div_ceil(DRIPS).max(1);
    Body::from_stream(stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(DRIP_EVERY).await;
        let drip = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, Infallible>(drip), rest))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            request_id: "sandbox-1".to_owned(),
            path: "/v1/stt/create".to_owned(),
            at: Timestamp::from_millis(1_795_230_245_999),
        }
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn an_error_has_the_services_shape() {
        let response = asked().refusal(StatusCode::BAD_REQUEST, "no");
        insta::assert_snapshot!(text(response).await, @r#"{"message":"no","path":"/v1/stt/create","requestId":"sandbox-1","statusCode":400,"timestamp":"2026-11-21T03:04:05Z"}"#);
    }

    #[test]
    fn faults_that_are_errors_have_both_their_forms() {
        let status = |fault, second_form| {
            let error = asked().error_of(Mishap { fault, second_form });
            error.map(|response| response.status().as_u16())
        };
        let both = |fault| [false, true].map(|second_form| status(fault, second_form));
        assert_eq!(both(Fault::ErrorJson), [Some(500), Some(500)]);
        assert_eq!(both(Fault::ErrorHtml), [Some(502), Some(503)]);
        assert_eq!(both(Fault::NoCredit), [Some(403), Some(402)]);
        assert_eq!(both(Fault::RateLimit), [Some(429), Some(429)]);
        assert_eq!(both(Fault::Slow), [None, None]);
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_that_are_enough() {
        let wait = |ms| asked().too_many(Duration::from_millis(ms)).headers()[RETRY_AFTER].clone();
        assert_eq!([1, 1000, 1001].map(wait), ["1", "1", "2"]);
    }
}
