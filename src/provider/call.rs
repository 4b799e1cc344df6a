//! Inputs and results of the calls.

use crate::domain::{ErrorClass, Failure, GenerationId, RecordingHash, Request};
use crate::policy::outcome::Answer;
use crate::provider::Completed;
use crate::provider::body::Body;
use crate::provider::http::upload::Recording;
use std::time::Duration;

/// Recording to transcribe.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Model and options of the transcription.
    pub request: &'a Request,
    /// Source of the audio.
    pub audio: AudioSource<'a>,
    /// Value of the `X-Client-Request-Id` header. See [`client_request_id`].
    pub client_request_id: &'a str,
}

/// Source of the audio.
#[derive(Debug, Clone, Copy)]
pub enum AudioSource<'a> {
    /// A file, streamed from disk.
    File(&'a Recording),
    /// A URL, fetched by the service.
    Url(&'a str),
}

/// Submission that the service accepted, and charges for.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Content of the response.
    pub reply: SubmitReply,
    /// Hashes of the sent bytes. `None` for a URL.
    pub hash: Option<RecordingHash>,
    /// HTTP status, any 2xx.
    pub http_status: u16,
    /// ID that the service gave the request (`x-request-id`).
    pub request_id: Option<String>,
    /// Price of the call in US dollars, if the response says it.
    pub usd_spent: Option<f64>,
}

/// Content of the response to an accepted submission.
#[derive(Debug, Clone, PartialEq)]
pub enum SubmitReply {
    /// ID under which the result is polled.
    Generation(GenerationId),
    /// Result of the transcription, as in the legacy flow.
    Completed(Completed),
}

/// Generation that a poll asked for, and the audio that was submitted for it.
#[derive(Debug, Clone)]
pub struct Expected {
    /// ID of the generation.
    pub generation: GenerationId,
    /// SHA-256 of the audio, if it is known.
    pub sha256: Option<String>,
}

/// Response to a poll.
#[derive(Debug, Clone, PartialEq)]
pub struct PollReply {
    /// Result of the poll.
    pub status: PollStatus,
    /// Price in US dollars, if the response says it.
    pub usd_spent: Option<f64>,
}

/// Result of a poll.
#[derive(Debug, Clone, PartialEq)]
pub enum PollStatus {
    /// The transcription is still running.
    InProgress,
    /// The transcription succeeded.
    Completed(Completed),
    /// The transcription succeeded, but its result is missing. It may be attached later. Otherwise, it is silence.
    WithoutResult(Completed),
    /// The service answered, but the answer belongs to another recording or is in an unknown form.
    Unusable(UnusableAnswer),
    /// The transcription failed and will never have a result.
    Failed(Failure),
}

/// An answer to a poll that cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct UnusableAnswer {
    /// Why it cannot be used.
    pub failure: Failure,
    /// The answer, byte for byte.
    pub body: Body,
}

/// Error of a call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{failure}")]
pub struct CallError {
    /// Kind of the error, on which the queue decides.
    pub kind: CallErrorKind,
    /// Error class and message for the user.
    pub failure: Failure,
    /// HTTP status, if there was a response.
    pub http_status: Option<u16>,
    /// Wait from the `Retry-After` header, at most one hour.
    pub retry_after: Option<Duration>,
    /// ID that the service gave the request (`x-request-id`).
    pub request_id: Option<String>,
}

/// Effect of a failed call on its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The file does not exist. Nothing was sent.
    FileGone,
    /// The file differs from its snapshot. The request was aborted before the last byte.
    FileChanged,
    /// The file could not be read. The request was aborted before the last byte.
    FileUnreadable,
    /// The service permanently rejects this submission: 400, 409, 413, 415, 422 and most other 4xx.
    Refused,
    /// The service rejects the key: 401 in its error form.
    Auth,
    /// The account is out of credit, or its plan does not cover the call: 402, 403 in the error form of the service.
    Credit,
    /// Too many requests: 429.
    RateLimited,
    /// Certainly not accepted: no connection, a connection lost before the last byte was sent, a base URL without this
    /// endpoint, a 5xx in the error form of the service, or a response of a proxy or firewall. The class is
    /// [`ErrorClass::Network`] if the service was not reached.
    Unavailable,
    /// Certainly not processed by the server, however much was sent: HTTP/2 GOAWAY or REFUSED_STREAM.
    NotProcessed,
    /// Possibly accepted: no response after the last byte was sent, a response of a gateway that lost the response of the
    /// service, or a 2xx without a generation ID.
    Unknown,
    /// The service does not offer the model of the submission: 404 to a submission, in the service's own form.
    ModelGone,
    /// The model of the submission is under maintenance: 500 to a submission, in the service's own form.
    ModelFailing,
    /// The service does not have the polled generation: 404, 410.
    Missing,
    /// The response to a poll is not one of the service.
    Malformed,
}

impl CallError {
    /// A successful response with a body that cannot be read.
    pub(crate) fn malformed(why: String, http_status: u16, request_id: Option<String>) -> Self {
        Self {
            kind: CallErrorKind::Malformed,
            failure: Failure::new(ErrorClass::Protocol, why),
            http_status: Some(http_status),
            retry_after: None,
            request_id,
        }
    }

    /// The meaning of this error for the policies.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        match self.kind {
            CallErrorKind::FileGone | CallErrorKind::FileChanged => Answer::FileChanged,
            CallErrorKind::FileUnreadable | CallErrorKind::Refused => Answer::Refused,
            CallErrorKind::Auth => Answer::KeyRefused,
            CallErrorKind::Credit => Answer::NoCredit,
            CallErrorKind::RateLimited => Answer::RateLimited,
            CallErrorKind::Unavailable if matches!(self.failure.class, ErrorClass::Network) => {
                Answer::Unreachable
            }
            CallErrorKind::NotProcessed => Answer::Unreachable,
            CallErrorKind::Unavailable => Answer::ServerError,
            CallErrorKind::ModelGone => Answer::ModelGone { is_certain: false },
            CallErrorKind::ModelFailing => Answer::ModelFailing,
            CallErrorKind::Unknown => Answer::Lost,
            CallErrorKind::Missing => Answer::NotFound,
            CallErrorKind::Malformed => Answer::Unreadable,
        }
    }
}

/// Returns the `X-Client-Request-Id` of one submission.
///
/// It has only characters that the service accepts (1–128 of `A-Za-z0-9._:-`).
#[must_use]
pub fn client_request_id(random: u128) -> String {
    format!("ns-{random:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_request_ids_have_only_accepted_characters() {
        for random in [0, 1, u128::MAX] {
            let id = client_request_id(random);
            assert_eq!(id.len(), 35);
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
            );
        }
    }
}
