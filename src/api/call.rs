//! What a call takes and gives back.

use super::answer::read_transcript;
use super::upload::UploadProgress;
use crate::domain::{Content, Failure, GenerationId, Request, Timestamp, Transcript};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One recording to transcribe.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Model and options.
    pub request: &'a Request,
    /// The audio.
    pub audio: Audio<'a>,
    /// Sent as `X-Client-Request-Id`; see [`client_request_id`].
    pub client_request_id: &'a str,
}

/// Where the audio comes from.
#[derive(Debug, Clone, Copy)]
pub enum Audio<'a> {
    /// Streamed from disk.
    File(&'a Recording),
    /// Fetched by the service.
    Url(&'a str),
}

/// A file as it was when it was recorded. An upload of anything else breaks off before its last byte.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// SHA-256 of its content in lower-case hexadecimal, where it is known; else it is taken on the way.
    pub sha256: Option<String>,
    /// What was read of it a moment ago, if that was all: the file is not opened again.
    pub content: Option<Content>,
    /// Counts what has been sent of it.
    pub progress: Arc<UploadProgress>,
}

/// The service took a submission: from here on it is paid for.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// What it said.
    pub reply: Reply,
    /// SHA-256 of the bytes that were sent, in lower-case hexadecimal. `None` for a URL.
    pub sha256: Option<String>,
    /// The HTTP status, any 2xx.
    pub http_status: u16,
    /// The service's name for the request (`x-request-id`).
    pub request_id: Option<String>,
}

/// What the service says to a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It works on it; ask by this ID.
    Generation(GenerationId),
    /// The transcription at once: the legacy flow.
    Answer(Completed),
}

/// What the service says to a poll.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// Not ready.
    InProgress,
    /// Here it is.
    Completed(Completed),
    /// There will be none.
    Failed(Failure),
}

/// A transcription that came whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// The result's JSON, byte for byte as it came, without the envelope around it. `null` where the service gave none.
    pub raw: String,
    /// What it says.
    pub transcript: Transcript,
}

impl Completed {
    /// Reads a result that was kept. What is none is silence.
    #[must_use]
    pub fn from_raw(raw: String) -> Self {
        let transcript = read_transcript(&raw);
        Self { raw, transcript }
    }
}

/// A call that brought nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{failure}")]
pub struct CallError {
    /// What the queue must know about it.
    pub kind: CallErrorKind,
    /// What a person must know about it.
    pub failure: Failure,
    /// The HTTP status, if an answer came.
    pub http_status: Option<u16>,
    /// How long the service asks to be left alone, at most an hour.
    pub retry_after: Option<Duration>,
    /// The service's name for the request (`x-request-id`).
    pub request_id: Option<String>,
}

/// What a failed call means for the job it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The file is not there. Nothing was sent.
    FileGone,
    /// The file is not the one that was recorded. The request broke off before its last byte.
    FileChanged,
    /// The file could not be read. The request broke off before its last byte.
    FileUnreadable,
    /// The service refuses this submission for good: 400, 409, 413, 415, 422 and the like.
    Refused,
    /// The key is refused: 401.
    Auth,
    /// The account or its plan does not cover it: 402, 403.
    Credit,
    /// Too many requests: 429.
    RateLimited,
    /// Certainly not accepted: no connection, a connection broken before the last byte had left, an address without
    /// this call, or a 5xx other than 502 and 504.
    Unavailable,
    /// Perhaps accepted: no answer after the last byte had left, 408, 502, 504, or a 2xx that names no generation.
    Unknown,
    /// A poll for something the service does not have: 404, 410.
    Missing,
    /// An answer to a poll that cannot be read.
    Garbled,
}

/// The value of `X-Client-Request-Id` for one submission, of characters the service keeps (1–128 of `A-Za-z0-9._:-`).
#[must_use]
pub fn client_request_id(random: u128) -> String {
    format!("ns-{random:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_request_id_is_of_characters_the_service_keeps() {
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
