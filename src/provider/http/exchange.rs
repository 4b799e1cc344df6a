//! One HTTP exchange, with limits on time and size. Returns the response as plain data, or a transport error.

use crate::domain::one_line;
use crate::provider::body::{ArrivingBody, Body};
use crate::provider::http::page::is_page;
use crate::provider::http::retry_after::retry_after;
use crate::runtime::failpoint;
use reqwest::header::{self, HeaderMap};
use reqwest::{RequestBuilder, Response};
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Maximum body of a 2xx response, in bytes. A ten-hour recording with word times is about 40 MiB of JSON.
const MAX_RESULT_BYTES: usize = 128 * 1024 * 1024;
/// Maximum body of an error response, in bytes. A larger one is an HTML page.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Longest wait for the head of the response to a request without an upload. A head that drips ends with it, too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest pause within a body.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a body, in addition to that for its bytes at [`MIN_BYTES_PER_SECOND`].
///
/// A response that stalls or drips holds its connection for at most a minute: half for the head, half for the body.
const BODY_GRACE: Duration = Duration::from_secs(30);
/// Lowest average rate of a body. Sixty-four transcripts at once still arrive over a line of 1 Mbit/s.
const MIN_BYTES_PER_SECOND: u32 = 2048;
/// Longest time for a whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(300);

/// HTTP response as plain data.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// Value of the `Content-Type` header.
    pub(crate) media_type: Option<String>,
    /// Complete body, or the error that ended it.
    pub(crate) body: Result<Body, TransportError>,
    /// ID that the service gave the request (`x-request-id`).
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) server_time: Option<SystemTime>,
    /// Version of the body, from the `ETag` header.
    pub(crate) etag: Option<String>,
    /// Target of the `Location` header, without its query.
    pub(crate) redirect: Option<String>,
    /// All headers, for those of a single service.
    headers: HeaderMap,
}

impl HttpResponse {
    /// Returns the value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the beginning of the body. Empty if the body is incomplete.
    pub(crate) fn head(&self) -> Cow<'_, [u8]> {
        self.body.as_ref().map(Body::head).unwrap_or_default()
    }

    /// Whether the body is an HTML or XML page. The service never sends one.
    pub(crate) fn is_page(&self) -> bool {
        is_page(self.media_type.as_deref(), &self.head())
    }
}

/// Transport error: no response, or an incomplete one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// No connection was established, so nothing was sent.
    NotConnected(String),
    /// The server closed the stream before it processed the request (HTTP/2). The request can be sent again.
    NotProcessed,
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
            Self::NotProcessed => {
                f.write_str("the server closed the connection and did not process the request")
            }
            Self::Connection(why) => write!(f, "the connection broke: {why}"),
            Self::TimedOut => f.write_str("the service did not respond in time"),
            Self::TooLarge => f.write_str("the response exceeds the size limit"),
        }
    }
}

impl TransportError {
    fn from_error(error: reqwest::Error) -> Self {
        let (not_connected, not_processed) = (error.is_connect(), was_not_processed(&error));
        let why = reason(&error.without_url());
        if not_connected {
            Self::NotConnected(why)
        } else if not_processed {
            Self::NotProcessed
        } else {
            Self::Connection(why)
        }
    }
}

/// Whether the server certainly did not process the request, whatever was sent (RFC 9113, 6.8 and 8.7).
///
/// After GOAWAY, only the streams above the last processed one end with its error. Those below it end with an I/O error.
fn was_not_processed(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(outer) = cause
        && !outer.is::<h2::Error>()
    {
        cause = outer.source();
    }
    let stream_error = cause.and_then(|cause| cause.downcast_ref::<h2::Error>());
    stream_error.is_some_and(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || is_refused)
    })
}

/// Returns the innermost cause, the most specific one: "connection refused" rather than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
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
    received.body = body(response, max_bytes).await;
    Ok(received)
}

/// Timeout for the head of the response to a request without an upload.
pub(crate) async fn response_timeout() {
    tokio::time::sleep(HEAD_TIMEOUT).await;
}

fn head(response: &Response) -> HttpResponse {
    let headers = response.headers();
    let server_time =
        text(headers, header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(&date).ok());
    let now = server_time.unwrap_or_else(SystemTime::now);
    HttpResponse {
        status: response.status().as_u16(),
        media_type: text(headers, header::CONTENT_TYPE.as_str()),
        body: Ok(Vec::new().into()),
        request_id: text(headers, "x-request-id").map(|id| one_line(&id)),
        retry_after: text(headers, header::RETRY_AFTER.as_str())
            .and_then(|value| retry_after(&value, now)),
        server_time,
        etag: text(headers, header::ETAG.as_str()),
        redirect: text(headers, header::LOCATION.as_str())
            .and_then(|location| redirect_target(response.url(), &location)),
        headers: headers.clone(),
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

async fn body(mut response: Response, max_bytes: usize) -> Result<Body, TransportError> {
    let began = Instant::now();
    let mut body = ArrivingBody::default();
    loop {
        let deadline = (began + time_for(body.received())).min(Instant::now() + IDLE_TIMEOUT);
        let chunk = tokio::time::timeout_at(deadline, response.chunk())
            .await
            .map_err(|_| TransportError::TimedOut)?;
        let Some(chunk) = chunk.map_err(TransportError::from_error)? else {
            return body.finish().map_err(compressor_failed);
        };
        if body.received() + chunk.len() > max_bytes {
            return Err(TransportError::TooLarge);
        }
        body.push(&chunk).map_err(compressor_failed)?;
    }
}

fn compressor_failed(error: io::Error) -> TransportError {
    TransportError::Connection(error.to_string())
}

/// Returns the time in which the next bytes after `received` ones are due, from the start of the body.
fn time_for(received: usize) -> Duration {
    let received = u32::try_from(received).unwrap_or(u32::MAX);
    let at_lowest_rate = Duration::from_secs(1) * received / MIN_BYTES_PER_SECOND;
    BODY_TIMEOUT.min(BODY_GRACE + at_lowest_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_keep_the_lowest_rate() {
        assert_eq!(time_for(0), BODY_GRACE);
        assert_eq!(time_for(30).as_secs(), 30);
        assert_eq!(time_for(20 * 2048).as_secs(), 50);
        assert_eq!(time_for(MAX_RESULT_BYTES), BODY_TIMEOUT);
        assert_eq!(time_for(usize::MAX), BODY_TIMEOUT);
    }
}
