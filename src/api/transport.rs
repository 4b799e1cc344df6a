//! One HTTP exchange, bounded in time and size: the answer's head and body as plain data, or why there is none.

use super::failures::{clean, retry_after};
use crate::crash;
use reqwest::header::{self, HeaderMap};
use reqwest::{RequestBuilder, Response};
use std::time::{Duration, SystemTime};

/// An answer that brings a result: a recording of ten hours with word times is about 40 MiB of JSON.
const RESULT_BYTES: usize = 128 * 1024 * 1024;
/// An answer that refuses: more than this is a page for people.
const ERROR_BYTES: usize = 64 * 1024;
/// The longest pause within an answer.
const IDLE: Duration = Duration::from_secs(60);
/// The longest time a body may take in all.
const BODY_WITHIN: Duration = Duration::from_secs(300);

/// What came back.
pub(super) struct Answered {
    pub(super) status: u16,
    /// The body; an `Err` if it did not come whole.
    pub(super) body: Result<Vec<u8>, Broken>,
    /// `x-inference-id`, which names the generation even where the body does not.
    pub(super) inference_id: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) server_time: Option<SystemTime>,
    /// Host and path of `Location`.
    pub(super) redirect: Option<String>,
}

/// Why no answer, or no whole answer, came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// No connection was made, so nothing was sent.
    NotConnected(String),
    /// The connection broke.
    Connection(String),
    /// Nothing came for too long.
    Silent,
    /// The answer is larger than any answer should be.
    TooLarge,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotConnected(why) => write!(f, "the service cannot be reached: {why}"),
            Self::Connection(why) => write!(f, "the connection broke: {why}"),
            Self::Silent => f.write_str("the service did not answer in time"),
            Self::TooLarge => f.write_str("the answer is larger than any answer should be"),
        }
    }
}

impl Broken {
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

/// The innermost cause says most: "connection refused" rather than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let why = innermost.to_string();
    clean(why.split(" (os error").next().unwrap_or(&why)).to_lowercase()
}

/// Sends, and reads the answer. `too_long` ends the wait for the answer's head.
pub(super) async fn exchange(
    request: RequestBuilder,
    too_long: impl Future<Output = ()>,
) -> Result<Answered, Broken> {
    let response = tokio::select! {
        response = request.send() => response.map_err(Broken::from_error)?,
        () = too_long => return Err(Broken::Silent),
    };
    let most = if response.status().is_success() {
        RESULT_BYTES
    } else {
        ERROR_BYTES
    };
    crash::point("api.exchange.head");
    let mut answered = head(&response);
    answered.body = match tokio::time::timeout(BODY_WITHIN, body(response, most)).await {
        Ok(body) => body,
        Err(_) => Err(Broken::Silent),
    };
    Ok(answered)
}

/// The wait for an answer to a request that is sent in no time.
pub(super) async fn answer_idle() {
    tokio::time::sleep(IDLE).await;
}

fn head(response: &Response) -> Answered {
    let headers = response.headers();
    let server_time =
        text(headers, header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(&date).ok());
    let now = server_time.unwrap_or_else(SystemTime::now);
    Answered {
        status: response.status().as_u16(),
        body: Ok(Vec::new()),
        inference_id: text(headers, "x-inference-id"),
        request_id: text(headers, "x-request-id").map(|id| clean(&id)),
        retry_after: text(headers, header::RETRY_AFTER.as_str())
            .and_then(|value| retry_after(&value, now)),
        server_time,
        redirect: text(headers, header::LOCATION.as_str())
            .and_then(|location| target(response.url(), &location)),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Host and path: a query may hold what is nobody's business.
fn target(from: &url::Url, location: &str) -> Option<String> {
    let url = from.join(location).ok()?;
    Some(clean(&format!(
        "{}://{}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )))
}

async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    loop {
        let chunk = tokio::time::timeout(IDLE, response.chunk())
            .await
            .map_err(|_| Broken::Silent)?;
        let Some(chunk) = chunk.map_err(Broken::from_error)? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > most {
            return Err(Broken::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}
