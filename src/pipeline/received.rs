//! The receipt of a result: the queue stores it, the budget settles it, and the save stage writes it.

use super::budget::Billed;
use super::event::RunEvent;
use super::journal::Journal;
use super::lane::Lane;
use super::result_cache::ResultCache;
use crate::domain::{AttemptId, HoldKind, JobId, RecordingHash, Timestamp};
use crate::policy::quality::quality;
use crate::provider::Completed;
use crate::provider::body::Body;
use crate::store::StoreError;
use crate::store::compress::pack;
use crate::store::sqlite::transitions::Completion;
use bytes::Bytes;
use std::path::Path;

/// A result that has arrived.
pub(super) struct NewResult<'a> {
    pub(super) job: JobId,
    pub(super) attempt: AttemptId,
    /// Path relative to the source.
    pub(super) name: &'a Path,
    pub(super) model: &'a str,
    pub(super) completed: Completed,
    /// Price in US dollars, if an answer said it.
    pub(super) charged_usd: Option<f64>,
    /// Hashes of the audio, if the answer to the submission contained the result.
    pub(super) hash: Option<RecordingHash>,
}

impl Lane {
    /// Stores a result, settles its charge, and wakes the save stage. Returns `false` if the job was changed elsewhere, so
    /// that nothing was stored.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn receive(
        &self,
        journal: &Journal,
        results: &ResultCache,
        new: NewResult<'_>,
    ) -> Result<bool, StoreError> {
        let now = journal.now();
        let completion = completion(&new, now);
        // Each poll in flight would keep a large result in memory while it waits for the commit.
        let small = Some(new.completed).filter(ResultCache::may_hold);
        let change = || journal.store.complete(completion.clone());
        if journal.record(new.job, change).await?.is_none() {
            return Ok(false);
        }
        let billed = Billed {
            model: new.model,
            audio_s: completion.duration_s,
            charged_usd: completion.charged_usd,
        };
        if self.spend.settle(new.attempt, &billed, now) {
            journal.release(HoldKind::Budget).await;
        }
        journal.emit(&RunEvent::Received {
            job: new.job,
            name: new.name.to_owned(),
            audio_s: completion.duration_s,
        });
        if let Some(completed) = small {
            results.insert(new.job, now, completed);
        }
        journal.signals.wake_save.notify_one();
        Ok(true)
    }
}

fn completion(new: &NewResult<'_>, now: Timestamp) -> Completion {
    let transcript = &new.completed.transcript;
    Completion {
        job: new.job,
        attempt: new.attempt,
        raw: packed(&new.completed.body),
        duration_s: transcript.duration_s,
        charged_usd: new.charged_usd,
        words: transcript.words.len() as u64,
        language: transcript.language.clone(),
        silent: transcript.is_silent(),
        quality: quality(transcript),
        hash: new.hash.clone(),
        now,
    }
}

/// Returns the bytes of an answer as they are stored.
pub(super) fn packed(body: &Body) -> Bytes {
    match body {
        Body::Plain(bytes) => pack(bytes).into(),
        Body::Compressed(bytes) => bytes.clone(),
    }
}
