//! A result as the queue stores it.

use crate::domain::{AttemptId, JobId, Timestamp};
use crate::provider::Completed;
use crate::store::compress::pack;
use crate::store::sqlite::transitions::Completion;

/// Returns the change that stores the result of `attempt`.
pub(super) fn completion(
    job: JobId,
    attempt: AttemptId,
    completed: &Completed,
    charged_usd: Option<f64>,
    sha256: Option<String>,
    now: Timestamp,
) -> Completion {
    let transcript = &completed.transcript;
    Completion {
        job,
        attempt,
        raw: pack(&completed.body),
        duration_s: transcript.duration_s,
        charged_usd,
        words: transcript.words.len() as u64,
        language: transcript.language.clone(),
        silent: transcript.is_silent(),
        sha256,
        now,
    }
}
