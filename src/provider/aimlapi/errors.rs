//! Classification of HTTP error responses by status and body.

use crate::domain::{ErrorClass, Failure, one_line};
use crate::provider::aimlapi::call::{CallError, CallErrorKind};
use crate::provider::aimlapi::error_text::json_message;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Length in bytes from which the beginning of a key is redacted.
const MIN_KEY_PART: usize = 3;
/// Maximum wait from `Retry-After`. A longer one is shortened to this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Call that got an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A submission. It may have been accepted.
    Submit,
    /// A poll or another read-only call. It is idempotent.
    Poll,
}

/// Response with a status other than 2xx.
#[derive(Debug, Clone, Default)]
pub struct ErrorResponse<'a> {
    /// HTTP status.
    pub status: u16,
    /// Body, possibly cut short.
    pub body: &'a [u8],
    /// Target of a redirect, without its query.
    pub redirect: Option<String>,
    /// Wait from the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// ID that the service gave the request (`x-request-id`).
    pub request_id: Option<String>,
}

/// Classifies a response with a status other than 2xx.
#[must_use]
pub fn classify(call: Operation, refusal: ErrorResponse<'_>) -> CallError {
    let (kind, class) = match model_error(call, &refusal) {
        Some(CallErrorKind::ModelGone) => (CallErrorKind::ModelGone, ErrorClass::Rejected),
        Some(kind) => (kind, ErrorClass::Server),
        None => kind_and_class(call, refusal.status),
    };
    let detail = refusal.redirect.map_or_else(
        || message(refusal.body),
        |target| format!("redirects to {target}"),
    );
    let lead = match kind {
        CallErrorKind::ModelGone => {
            format!("the service does not offer this model ({})", refusal.status)
        }
        CallErrorKind::ModelFailing => {
            format!("the service cannot run this model ({})", refusal.status)
        }
        _ => lead(call, refusal.status),
    };
    let message = if detail.is_empty() {
        lead
    } else {
        format!("{lead}: {detail}")
    };
    CallError {
        kind,
        failure: Failure::new(class, message),
        http_status: Some(refusal.status),
        retry_after: refusal.retry_after,
        request_id: refusal.request_id,
    }
}

/// Returns the kind of an error that concerns only the model of a submission: a 404 or a 500 in the service's own form.
///
/// A page of a proxy is not in this form. Nor is the 404 of a missing route, which names its method and path.
fn model_error(call: Operation, refusal: &ErrorResponse<'_>) -> Option<CallErrorKind> {
    let kind = match (call, refusal.status) {
        (Operation::Submit, 404) => CallErrorKind::ModelGone,
        (Operation::Submit, 500) => CallErrorKind::ModelFailing,
        _ => return None,
    };
    let text = String::from_utf8_lossy(refusal.body);
    let body: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let message = body.is_object().then(|| json_message(&body)).flatten()?;
    (!message.starts_with("Cannot POST ")).then_some(kind)
}

fn kind_and_class(call: Operation, status: u16) -> (CallErrorKind, ErrorClass) {
    use CallErrorKind as Kind;
    match (status, call) {
        (401, _) => (Kind::Auth, ErrorClass::Auth),
        (402 | 403, _) => (Kind::Credit, ErrorClass::Credit),
        (404 | 410, Operation::Poll) => (Kind::Missing, ErrorClass::Expired),
        // These mean a wrong base URL, not a bad recording.
        (300..=399 | 404 | 405 | 410, _) => (Kind::Unavailable, ErrorClass::Protocol),
        (408 | 502 | 504, _) => (Kind::Unknown, ErrorClass::Server),
        (413, _) => (Kind::Refused, ErrorClass::TooLarge),
        (429, _) => (Kind::RateLimited, ErrorClass::RateLimited),
        (400..=499, _) => (Kind::Refused, ErrorClass::Rejected),
        (500..=599, _) => (Kind::Unavailable, ErrorClass::Server),
        _ => (Kind::Unavailable, ErrorClass::Protocol),
    }
}

fn lead(call: Operation, status: u16) -> String {
    let summary = match (status, call) {
        (401, _) => "the service refuses the key",
        (402 | 403, _) => "the account is out of credit or its plan does not cover this",
        (404 | 410, Operation::Poll) => "the service does not have this transcription",
        (300..=399 | 404 | 405 | 410, _) => "no such endpoint at `api.base_url`",
        (413, _) => "the file is too large for the service",
        (429, _) => "too many requests",
        (400..=499, _) => "the service rejected the request",
        (500..=599, _) => "the service failed",
        _ => "the service returned an unexpected status",
    };
    format!("{summary} ({status})")
}

/// Returns the message of an error body as one clean line.
///
/// The message is a JSON field (`message`, `detail`, `error`, `title` or `name`), or the title or text of an HTML page.
/// Empty if there is none.
#[must_use]
pub fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(value) => one_line(&json_message(&value).unwrap_or_default()),
        Err(_) => one_line(&html_text(&text)),
    }
}

fn html_text(text: &str) -> String {
    let Some(start) = text.find('<') else {
        return text.to_owned();
    };
    let page = &text[start..];
    if let Some(title) = between(page, "<title>", "</title>") {
        return title.to_owned();
    }
    let mut in_tag = false;
    page.chars()
        .filter_map(|char| match char {
            '<' => {
                in_tag = true;
                Some(' ')
            }
            '>' if in_tag => {
                in_tag = false;
                None
            }
            _ if in_tag => None,
            char => Some(char),
        })
        .collect()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find(open)? + open.len();
    let end = start + lower[start..].find(close)?;
    Some(&text[start..end])
}

/// Redacts the key from a message that [`one_line`](fn@one_line) returned.
///
/// A key that was cut off at the end of the message is redacted, too.
#[must_use]
pub fn redact_key(message: &str, key: &str) -> String {
    let message = message.replace(key, "[key]");
    let Some(cut) = message.strip_suffix('…') else {
        return message;
    };
    let left = (MIN_KEY_PART..key.len())
        .rev()
        .filter_map(|end| key.get(..end))
        .find_map(|part| cut.strip_suffix(part));
    left.map_or_else(|| message.clone(), |left| format!("{left}[key]…"))
}

/// Parses a `Retry-After` header: a number of seconds, or a date that is compared with `now`.
///
/// The result is at most one hour. Returns `None` for any other value.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() => return None,
        Ok(seconds) => {
            Duration::try_from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64())).ok()?
        }
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::one_line::MAX_MESSAGE_CHARS;
    use CallErrorKind as Kind;
    use std::time::UNIX_EPOCH;

    #[test]
    fn every_status_is_classified_by_call() {
        let table = [
            (301, Kind::Unavailable, Kind::Unavailable),
            (400, Kind::Refused, Kind::Refused),
            (401, Kind::Auth, Kind::Auth),
            (402, Kind::Credit, Kind::Credit),
            (403, Kind::Credit, Kind::Credit),
            (404, Kind::Unavailable, Kind::Missing),
            (405, Kind::Unavailable, Kind::Unavailable),
            (408, Kind::Unknown, Kind::Unknown),
            (410, Kind::Unavailable, Kind::Missing),
            (413, Kind::Refused, Kind::Refused),
            (415, Kind::Refused, Kind::Refused),
            (422, Kind::Refused, Kind::Refused),
            (429, Kind::RateLimited, Kind::RateLimited),
            (500, Kind::Unavailable, Kind::Unavailable),
            (502, Kind::Unknown, Kind::Unknown),
            (503, Kind::Unavailable, Kind::Unavailable),
            (504, Kind::Unknown, Kind::Unknown),
        ];
        for (status, submit, poll) in table {
            assert_eq!(
                kind_and_class(Operation::Submit, status).0,
                submit,
                "{status}"
            );
            assert_eq!(kind_and_class(Operation::Poll, status).0, poll, "{status}");
        }
        assert_eq!(
            kind_and_class(Operation::Submit, 413).1,
            ErrorClass::TooLarge
        );
    }

    #[test]
    fn errors_of_a_model_are_told_by_the_service_itself() {
        let kind = |call, status, body: &str| {
            let body = body.as_bytes();
            classify(
                call,
                ErrorResponse {
                    status,
                    body,
                    ..ErrorResponse::default()
                },
            )
            .kind
        };
        let own = r#"{"message":"model not found","statusCode":404}"#;
        assert_eq!(kind(Operation::Submit, 404, own), Kind::ModelGone);
        assert_eq!(kind(Operation::Submit, 500, own), Kind::ModelFailing);
        assert_eq!(
            kind(
                Operation::Submit,
                404,
                r#"{"message":"Cannot POST /stt/create"}"#
            ),
            Kind::Unavailable
        );
        assert_eq!(
            kind(Operation::Submit, 404, "<html>Not Found</html>"),
            Kind::Unavailable
        );
        assert_eq!(kind(Operation::Submit, 404, ""), Kind::Unavailable);
        assert_eq!(kind(Operation::Poll, 404, own), Kind::Missing);
        assert_eq!(kind(Operation::Poll, 500, own), Kind::Unavailable);
    }

    #[test]
    fn json_and_html_bodies_give_their_message() {
        let bodies = [
            (
                r#"{"message":"no such model","path":"/v1/stt","requestId":"r","statusCode":"400"}"#,
                "no such model",
            ),
            (
                r#"{"title":"Bad","status":400,"error":{"name":"E","message":"bad audio"}}"#,
                "bad audio",
            ),
            (r#"{"title":"Bad Request","status":400}"#, "Bad Request"),
            (
                r#"{"message":["a must be b","c must be d"],"statusCode":400}"#,
                "a must be b; c must be d",
            ),
            (r#"{"error":"plain"}"#, "plain"),
            (r#""just text""#, "just text"),
            (
                "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
                "502 Bad Gateway",
            ),
            ("<p>Oh <b>no</b></p>", "Oh no"),
            ("upstream\r\nfailed\u{1b}[31m", "upstream failed [31m"),
            (r#""gp\u202e3\u2028m""#, "gp 3 m"),
            ("", ""),
            ("{}", ""),
        ];
        for (body, expected) in bodies {
            assert_eq!(message(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_truncated_key_is_redacted() {
        let key = "sk-0123456789";
        assert_eq!(redact_key("a sk-0123456789b", key), "a [key]b");
        for left in 3..key.len() {
            let message = format!("{} {key}", "x".repeat(MAX_MESSAGE_CHARS - 1 - left));
            let shown = redact_key(&one_line(&message), key);
            assert!(shown.ends_with("x [key]…"), "{shown}");
        }
        assert_eq!(redact_key("sk-01", key), "sk-01", "nothing was cut");
    }

    #[test]
    fn retry_after_is_at_most_one_hour() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let reads = |value| retry_after(value, now);
        assert_eq!(reads("7"), Some(Duration::from_secs(7)));
        assert_eq!(reads(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(reads("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(
            reads("Sun, 06 Nov 1994 08:50:07 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(reads("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "NaN", "soon", ""] {
            assert_eq!(reads(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_message_has_status_and_detail() {
        let body = br#"{"message":"Invalid token"}"#;
        let error = classify(
            Operation::Submit,
            ErrorResponse {
                status: 401,
                body,
                ..ErrorResponse::default()
            },
        );
        assert_eq!(
            error.failure.message,
            "the service refuses the key (401): Invalid token"
        );
        let error = classify(
            Operation::Submit,
            ErrorResponse {
                status: 503,
                ..ErrorResponse::default()
            },
        );
        assert_eq!(error.failure.message, "the service failed (503)");
    }
}
