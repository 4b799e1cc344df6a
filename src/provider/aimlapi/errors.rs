//! Classification of HTTP error responses by status and body.

use crate::domain::{ErrorClass, Failure};
use crate::provider::aimlapi::error_body::{Author, author, message};
use crate::provider::aimlapi::key_cap::names_key_cap;
use crate::provider::call::{CallError, CallErrorKind};
use std::time::Duration;

/// Length in bytes from which the beginning of a key is redacted.
const MIN_KEY_PART: usize = 3;

/// Call that got an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A submission.
    Submit {
        /// Whether the last byte was sent. Only then may it have been accepted.
        finished: bool,
    },
    /// A poll or another read-only call. It is idempotent.
    Poll,
}

/// Response with a status other than 2xx, or a page.
#[derive(Debug, Clone, Default)]
pub struct ErrorResponse<'a> {
    /// HTTP status.
    pub status: u16,
    /// Value of the `Content-Type` header.
    pub media_type: Option<&'a str>,
    /// Body, possibly cut short.
    pub body: &'a [u8],
    /// Address that a firewall has to allow: `api.base_url`.
    pub base_url: &'a str,
    /// Target of a redirect, without its query.
    pub redirect: Option<String>,
    /// Wait from the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// ID that the service gave the request (`x-request-id`).
    pub request_id: Option<String>,
}

/// Classifies a response with a status other than 2xx, or a page.
#[must_use]
pub fn classify(call: Operation, response: ErrorResponse<'_>) -> CallError {
    let author = author(response.media_type, response.body);
    let detail = response.redirect.map_or_else(
        || message(response.body),
        |target| format!("redirects to {target}"),
    );
    let meaning = match Meaning::of(call, response.status, author) {
        // The service's 404 of a missing route names its method and path.
        Meaning::ModelGone if detail.starts_with("Cannot POST ") => Meaning::WrongAddress,
        Meaning::NoCredit if names_key_cap(&detail) => Meaning::KeyCapped,
        meaning => meaning,
    };
    let lead = meaning.summary(response.status, response.base_url);
    let message = if detail.is_empty() {
        lead
    } else {
        format!("{lead}: {detail}")
    };
    CallError {
        kind: meaning.kind(),
        failure: Failure::new(meaning.class(), message),
        http_status: Some(response.status),
        retry_after: response.retry_after,
        request_id: response.request_id,
    }
}

/// Meaning of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The service rejects the key.
    KeyRefused,
    /// The account is out of credit.
    NoCredit,
    /// The key has reached a cap of its own. The account may have credit.
    KeyCapped,
    /// The service does not have the polled generation.
    Missing,
    /// The service does not offer the model of the submission.
    ModelGone,
    /// The model of the submission is under maintenance.
    ModelFailing,
    /// `api.base_url` has no such endpoint.
    WrongAddress,
    /// The file is too large, for the service or for a gateway in front of it.
    TooLarge,
    /// Too many requests.
    RateLimited,
    /// The service rejects this submission permanently.
    Rejected,
    /// The service failed, and accepted nothing.
    Failed,
    /// A gateway did not get the answer of the service, which may have accepted the submission.
    Lost,
    /// A gateway answered before the upload was complete, or could not connect to the service.
    NotDelivered,
    /// A program between here and the service answered in its place. It says nothing about key, account or recording.
    Intercepted,
    /// A proxy requires credentials of its own.
    ProxyLogin,
    /// The network requires a log-in before it lets requests out.
    NetworkLogin,
    /// None of these.
    Unexpected,
}

impl Meaning {
    /// Returns the meaning of a response by its status, its author and the call.
    fn of(call: Operation, status: u16, author: Author) -> Self {
        match (status, call, author) {
            // By definition, the origin never sends these two (RFC 9110, 15.5.8; RFC 6585, 6).
            (407, ..) => Self::ProxyLogin,
            (511, ..) => Self::NetworkLogin,
            (401, _, Author::Service) => Self::KeyRefused,
            (402 | 403, _, Author::Service) => Self::NoCredit,
            (401..=403, ..) | (200..=299, _, Author::Network) => Self::Intercepted,
            (413, ..) => Self::TooLarge,
            (429, ..) => Self::RateLimited,
            // Cloudflare: no TLS session with the origin, so nothing was sent to it.
            (525 | 526, ..) => Self::NotDelivered,
            // A gateway without an answer of the origin, whatever the body:
            // 408 timeout of the request, 460 and 499 a closed connection behind it (AWS, nginx), 502 and 504,
            // 520–524, 527 and 530 Cloudflare, 598 and 599 timeouts of other proxies.
            (408 | 460 | 499 | 502 | 504 | 520..=524 | 527 | 530 | 598 | 599, ..) => {
                Self::lost(call)
            }
            // Only the service knows that it accepted nothing. Envoy, Varnish, HAProxy and CloudFront answer 500 and 503
            // also if the connection to the origin broke after it read the request.
            (500..=599, Operation::Submit { .. }, Author::Unknown | Author::Network) => {
                Self::lost(call)
            }
            (500, Operation::Submit { .. }, Author::Service) => Self::ModelFailing,
            (500..=599, ..) => Self::Failed,
            (300..=399, ..) => Self::WrongAddress,
            (400..=499, _, Author::Network) => Self::Intercepted,
            (404 | 410, Operation::Poll, _) => Self::Missing,
            (404, Operation::Submit { .. }, Author::Service) => Self::ModelGone,
            (404 | 405 | 410, ..) => Self::WrongAddress,
            (400..=499, ..) => Self::Rejected,
            _ => Self::Unexpected,
        }
    }

    const fn lost(call: Operation) -> Self {
        match call {
            Operation::Submit { finished: false } => Self::NotDelivered,
            Operation::Submit { finished: true } | Operation::Poll => Self::Lost,
        }
    }

    const fn kind(self) -> CallErrorKind {
        match self {
            Self::KeyRefused => CallErrorKind::Auth,
            Self::NoCredit | Self::KeyCapped => CallErrorKind::Credit,
            Self::Missing => CallErrorKind::Missing,
            Self::ModelGone => CallErrorKind::ModelGone,
            Self::ModelFailing => CallErrorKind::ModelFailing,
            Self::TooLarge | Self::Rejected => CallErrorKind::Refused,
            Self::RateLimited => CallErrorKind::RateLimited,
            Self::Lost => CallErrorKind::Unknown,
            Self::WrongAddress
            | Self::Failed
            | Self::NotDelivered
            | Self::Intercepted
            | Self::ProxyLogin
            | Self::NetworkLogin
            | Self::Unexpected => CallErrorKind::Unavailable,
        }
    }

    const fn class(self) -> ErrorClass {
        match self {
            Self::KeyRefused => ErrorClass::Auth,
            Self::NoCredit | Self::KeyCapped => ErrorClass::Credit,
            Self::Missing => ErrorClass::Expired,
            Self::TooLarge => ErrorClass::TooLarge,
            Self::RateLimited => ErrorClass::RateLimited,
            Self::Rejected | Self::ModelGone => ErrorClass::Rejected,
            Self::Failed | Self::ModelFailing | Self::Lost => ErrorClass::Server,
            // Like an unreachable service: no attempt is used.
            Self::NotDelivered | Self::Intercepted | Self::ProxyLogin | Self::NetworkLogin => {
                ErrorClass::Network
            }
            Self::WrongAddress | Self::Unexpected => ErrorClass::Protocol,
        }
    }

    fn summary(self, status: u16, base_url: &str) -> String {
        let summary = match self {
            Self::KeyRefused => "the service refuses the key",
            Self::NoCredit => "the account is out of credit or its plan does not cover this",
            Self::KeyCapped => {
                "the key has reached its own cap, although the account may have credit"
            }
            Self::Missing => "the service does not have this transcription",
            Self::ModelGone => "the service does not offer this model",
            Self::ModelFailing => "the service cannot run this model",
            Self::WrongAddress => "no such endpoint at `api.base_url`",
            Self::TooLarge => "the file is too large for the service",
            Self::RateLimited => "too many requests",
            Self::Rejected => "the service rejected the request",
            Self::Failed => "the service failed",
            Self::Lost => "a gateway lost the response of the service",
            Self::NotDelivered => "a gateway did not pass the request to the service",
            Self::Intercepted => "a proxy or firewall answered instead of the service",
            Self::ProxyLogin => "the proxy requires a user name and a password",
            Self::NetworkLogin => "the network requires a log-in",
            Self::Unexpected => "the service returned an unexpected status",
        };
        let advice = match self {
            Self::Intercepted if status == 401 => {
                format!("; allow {base_url} there, or correct `api.base_url` or the key")
            }
            Self::Intercepted => {
                format!("; allow {base_url} there, or correct `api.base_url`")
            }
            Self::ProxyLogin => {
                "; set them in the variable of the proxy, such as `HTTPS_PROXY`".to_owned()
            }
            Self::KeyCapped => "; raise the cap or use another key".to_owned(),
            _ => String::new(),
        };
        format!("{summary} ({status}){advice}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::one_line;
    use crate::domain::one_line::MAX_MESSAGE_CHARS;
    use CallErrorKind as Kind;

    const SENT: Operation = Operation::Submit { finished: true };
    const SENDING: Operation = Operation::Submit { finished: false };

    fn kind(call: Operation, status: u16, author: Author) -> Kind {
        Meaning::of(call, status, author).kind()
    }

    #[test]
    fn every_status_of_the_service_is_classified_by_call() {
        let table = [
            (301, Kind::Unavailable, Kind::Unavailable),
            (400, Kind::Refused, Kind::Refused),
            (401, Kind::Auth, Kind::Auth),
            (402, Kind::Credit, Kind::Credit),
            (403, Kind::Credit, Kind::Credit),
            (404, Kind::ModelGone, Kind::Missing),
            (405, Kind::Unavailable, Kind::Unavailable),
            (408, Kind::Unknown, Kind::Unknown),
            (410, Kind::Unavailable, Kind::Missing),
            (413, Kind::Refused, Kind::Refused),
            (415, Kind::Refused, Kind::Refused),
            (422, Kind::Refused, Kind::Refused),
            (429, Kind::RateLimited, Kind::RateLimited),
            (500, Kind::ModelFailing, Kind::Unavailable),
            (502, Kind::Unknown, Kind::Unknown),
            (503, Kind::Unavailable, Kind::Unavailable),
            (504, Kind::Unknown, Kind::Unknown),
            (600, Kind::Unavailable, Kind::Unavailable),
        ];
        for (status, submit, poll) in table {
            assert_eq!(kind(SENT, status, Author::Service), submit, "{status}");
            let polled = kind(Operation::Poll, status, Author::Service);
            assert_eq!(polled, poll, "{status}");
        }
        let too_large = Meaning::of(SENT, 413, Author::Network);
        assert_eq!(too_large.class(), ErrorClass::TooLarge);
    }

    #[test]
    fn the_404_of_a_missing_route_is_not_about_the_model() {
        let response = ErrorResponse {
            status: 404,
            body: br#"{"message":"Cannot POST /stt/create","statusCode":404}"#,
            ..ErrorResponse::default()
        };
        assert_eq!(classify(SENT, response).kind, Kind::Unavailable);
        assert_eq!(kind(SENT, 404, Author::Unknown), Kind::Unavailable);
        assert_eq!(kind(SENT, 404, Author::Network), Kind::Unavailable);
    }

    #[test]
    fn a_server_error_not_from_the_service_leaves_a_sent_recording_uncertain() {
        for status in (500..600).filter(|status| ![511, 525, 526].contains(status)) {
            for author in [Author::Unknown, Author::Network] {
                assert_eq!(kind(SENT, status, author), Kind::Unknown, "{status}");
            }
        }
        for status in [
            408, 460, 499, 502, 504, 520, 521, 522, 523, 524, 527, 530, 598, 599,
        ] {
            assert_eq!(
                kind(SENT, status, Author::Service),
                Kind::Unknown,
                "{status}"
            );
        }
        for status in [511, 525, 526] {
            assert_eq!(
                kind(SENT, status, Author::Network),
                Kind::Unavailable,
                "{status}"
            );
        }
    }

    #[test]
    fn a_recording_that_was_not_sent_completely_is_never_uncertain() {
        for status in 300..600 {
            for author in [Author::Service, Author::Unknown, Author::Network] {
                assert_ne!(kind(SENDING, status, author), Kind::Unknown, "{status}");
            }
        }
    }

    #[test]
    fn a_page_says_nothing_about_key_account_or_recording() {
        for call in [SENT, SENDING, Operation::Poll] {
            for status in (400..500).filter(|status| ![413, 429].contains(status)) {
                let meaning = Meaning::of(call, status, Author::Network);
                let lost = [408, 460, 499].contains(&status);
                if !lost {
                    assert_eq!(meaning.kind(), Kind::Unavailable, "{status}");
                    assert_eq!(meaning.class(), ErrorClass::Network, "{status}");
                }
            }
            for status in [401, 402, 403, 407] {
                let meaning = Meaning::of(call, status, Author::Unknown);
                assert_eq!(meaning.class(), ErrorClass::Network, "{status}");
            }
            let login = Meaning::of(call, 407, Author::Service);
            assert_eq!(login.class(), ErrorClass::Network);
        }
        assert_eq!(kind(SENT, 400, Author::Unknown), Kind::Refused);
        assert_eq!(kind(Operation::Poll, 404, Author::Unknown), Kind::Missing);
    }

    #[test]
    fn the_message_about_a_page_names_the_address_to_allow() {
        let response = ErrorResponse {
            status: 403,
            media_type: Some("text/html"),
            body: b"<html><head><title>Blocked by policy</title></head></html>",
            base_url: "https://api.example/v1",
            ..ErrorResponse::default()
        };
        assert_eq!(
            classify(SENT, response).failure.message,
            "a proxy or firewall answered instead of the service (403); allow https://api.example/v1 there, \
             or correct `api.base_url`: Blocked by policy"
        );
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
    fn the_message_has_status_and_detail() {
        let body = br#"{"message":"Invalid token"}"#;
        let error = classify(
            SENT,
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
            SENT,
            ErrorResponse {
                status: 503,
                ..ErrorResponse::default()
            },
        );
        assert_eq!(
            error.failure.message,
            "a gateway lost the response of the service (503)"
        );
    }
}
