//! One HTTP exchange, with limits on time and size. Returns the response as plain data, or a transport error.

use crate::domain::one_line;
use crate::provider::aimlapi::errors::retry_after;
use crate::runtime::failpoint;
use reqwest::header::{self, HeaderMap};
use reqwest::{RequestBuilder, Response};
use std::time::{Duration, SystemTime};

/// Maximum body of a 2xx response, in bytes. A ten-hour recording with word times is about 40 MiB of JSON.
const MAX_RESULT_BYTES: usize = 128 * 1024 * 1024;
/// Maximum body of an error response, in bytes. A larger one is an HTML page.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Longest pause within a response.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for the whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(300);

/// HTTP response as plain data.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// Complete body, or the error that ended it.
    pub(crate) body: Result<Vec<u8>, TransportError>,
    /// Generation ID from `x-inference-id`, present even if the body has none.
    pub(crate) inference_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) server_time: Option<SystemTime>,
    /// Target of the `Location` header, without its query.
    pub(crate) redirect: Option<String>,
}

/// Transport error: no response, or an incomplete one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// No connection was established, so nothing was sent.
    NotConnected(String),
    /// The connection broke during the exchange.
    Connection(String),
    /// A timeout elapsed.
    TimedOut,
    /// The body exceeds the size limit.
    TooLarge,
}

impl std::fmt::Display for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotConnected(why) => write!(f, "the service cannot be reached: {why}"),
            Self::Connection(why) => write!(f, "the connection broke: {why}"),
            Self::TimedOut => f.write_str("the service did not respond in time"),
            Self::TooLarge => f.write_str("the response exceeds the size limit"),
        }
    }
}

impl TransportError {
    fn from_error(error: reqwest::Error) -> Self {
        let not_connected = error.is_connect();
        let why = reason(&error.without_url());
        if not_connected {
            Self::NotConnected(why)
        } else {
            Self::Connection(why)
        }
    }
}

/// Returns the innermost cause, the most specific one: "connection refused" rather than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let why = innermost.to_string();
    one_line(why.split(" (os error").next().unwrap_or(&why)).to_lowercase()
}

/// Sends a request and reads the response.
///
/// The wait for the head of the response ends when `timeout` completes.
pub(crate) async fn exchange(
    request: RequestBuilder,
    timeout: impl Future<Output = ()>,
) -> Result<HttpResponse, TransportError> {
    let response = tokio::select! {
        response = request.send() => response.map_err(TransportError::from_error)?,
        () = timeout => return Err(TransportError::TimedOut),
    };
    let max_bytes = if response.status().is_success() {
        MAX_RESULT_BYTES
    } else {
        MAX_ERROR_BYTES
    };
    failpoint::hit("api.exchange.head");
    let mut received = head(&response);
    received.body = match tokio::time::timeout(BODY_TIMEOUT, body(response, max_bytes)).await {
        Ok(body) => body,
        Err(_) => Err(TransportError::TimedOut),
    };
    Ok(received)
}

/// Timeout for the head of the response to a request without an upload.
pub(crate) async fn response_timeout() {
    tokio::time::sleep(IDLE_TIMEOUT).await;
}

fn head(response: &Response) -> HttpResponse {
    let headers = response.headers();
    let server_time =
        text(headers, header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(&date).ok());
    let now = server_time.unwrap_or_else(SystemTime::now);
    HttpResponse {
        status: response.status().as_u16(),
        body: Ok(Vec::new()),
        inference_id: text(headers, "x-inference-id"),
        request_id: text(headers, "x-request-id").map(|id| one_line(&id)),
        retry_after: text(headers, header::RETRY_AFTER.as_str())
            .and_then(|value| retry_after(&value, now)),
        server_time,
        redirect: text(headers, header::LOCATION.as_str())
            .and_then(|location| redirect_target(response.url(), &location)),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Returns the target of a redirect without its query, which may contain secrets.
fn redirect_target(from: &url::Url, location: &str) -> Option<String> {
    let url = from.join(location).ok()?;
    Some(one_line(&format!(
        "{}://{}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )))
}

async fn body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    loop {
        let chunk = tokio::time::timeout(IDLE_TIMEOUT, response.chunk())
            .await
            .map_err(|_| TransportError::TimedOut)?;
        let Some(chunk) = chunk.map_err(TransportError::from_error)? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > max_bytes {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}
