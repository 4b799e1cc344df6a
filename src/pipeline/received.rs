//! A result as the queue stores it.

use crate::domain::{AttemptId, JobId, RecordingHash, Timestamp};
use crate::policy::quality::quality;
use crate::provider::Completed;
use crate::provider::body::Body;
use crate::store::compress::pack;
use crate::store::sqlite::transitions::Completion;
use bytes::Bytes;

/// Returns the bytes of an answer as they are stored.
pub(super) fn packed(body: &Body) -> Bytes {
    match body {
        Body::Plain(bytes) => pack(bytes).into(),
        Body::Compressed(bytes) => bytes.clone(),
    }
}

/// Returns the change that stores the result of `attempt`.
pub(super) fn completion(
    job: JobId,
    attempt: AttemptId,
    completed: &Completed,
    charged_usd: Option<f64>,
    hash: Option<RecordingHash>,
    now: Timestamp,
) -> Completion {
    let transcript = &completed.transcript;
    Completion {
        job,
        attempt,
        raw: packed(&completed.body),
        duration_s: transcript.duration_s,
        charged_usd,
        words: transcript.words.len() as u64,
        language: transcript.language.clone(),
        silent: transcript.is_silent(),
        quality: quality(transcript),
        hash,
        now,
    }
}
