//! `submitting` or `pending` → `received`: the service has returned a result.

use crate::domain::quality::Quality;
use crate::domain::{AttemptId, JobId, RecordingHash, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::apply_guarded;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::quality::stored;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{BatchedChange, Replies};
use bytes::Bytes;
use sqlx::SqliteConnection;
use std::borrow::Cow;

/// Maximum size of the stored results in one statement, in bytes. A larger result gets a statement of its own.
const MAX_STATEMENT_BYTES: usize = 256 * 1024;

/// A result.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Job ID.
    pub job: JobId,
    /// Attempt that completed.
    pub attempt: AttemptId,
    /// JSON of the service, compressed by [`crate::store::compress::pack`].
    pub raw: Bytes,
    /// Billed duration of the audio in seconds.
    pub duration_s: Option<f64>,
    /// Price in US dollars, if an answer said it.
    pub charged_usd: Option<f64>,
    /// Number of words with times.
    pub words: u64,
    /// Detected language.
    pub language: Option<String>,
    /// Whether the recording contains no speech.
    pub silent: bool,
    /// Figures of the transcript.
    pub quality: Quality,
    /// Hashes of the audio, if the answer to the submission contained the result.
    pub hash: Option<RecordingHash>,
    /// Time of the result.
    pub now: Timestamp,
}

impl Store {
    /// `submitting` or `pending` → `received`.
    ///
    /// The result becomes durable here, before any file is written.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is in neither state, for example after a cancel.
    pub async fn complete(&self, completion: Completion) -> Result<(), StoreError> {
        failpoint::around("store.complete", self.writer().write(completion)).await
    }
}

impl BatchedChange for Completion {
    type Reply = ();

    fn conflicts_with(&self, other: &Self) -> bool {
        self.job == other.job
    }

    async fn apply_batch(
        completions: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<()>, StoreError> {
        let text = "
            INSERT OR REPLACE INTO results (job_id, raw, received_at, duration_s, words, language, silent, quality)
            SELECT jobs.id, substr(?2, value ->> 4, value ->> 5), value ->> 3, value ->> 6, value ->> 7, value ->> 8,
                   value ->> 9, value ->> 11
            FROM jsonb_each(?1) CROSS JOIN jobs ON jobs.id = value ->> 0 WHERE state IN ('submitting', 'pending');
            UPDATE attempts SET outcome = 'completed', ended_at = c.value ->> 3, billed_s = c.value ->> 6,
                                charged_usd = coalesce(c.value ->> 10, charged_usd)
            FROM jsonb_each(?1) c
            WHERE attempts.id = c.value ->> 1
              AND EXISTS (SELECT 1 FROM jobs WHERE id = c.value ->> 0 AND state IN ('submitting', 'pending'));
            UPDATE jobs SET state = 'received', run_id = NULL, sha256 = coalesce(c.value ->> 2, jobs.sha256),
                            sound_hash = coalesce(c.value ->> 12, jobs.sound_hash),
                            due_at = c.value ->> 3, error_class = NULL, error_message = NULL, updated_at = c.value ->> 3
            FROM jsonb_each(?1) c WHERE jobs.id = c.value ->> 0 AND +jobs.state IN ('submitting', 'pending')";
        let mut replies = Vec::with_capacity(completions.len());
        for part in split_by_size(completions) {
            let results = match part {
                [one] => Cow::Borrowed(&*one.raw),
                several => Cow::Owned(several.iter().flat_map(|one| &one.raw).copied().collect()),
            };
            let mut offset = 1;
            let qualities = part.iter().map(|one| stored(&one.quality));
            let qualities = qualities.collect::<Result<Vec<_>, _>>()?;
            let part = part.iter().zip(qualities).map(|(one, quality)| {
                let (from, bytes) = (offset, one.raw.len());
                offset += bytes;
                (
                    one.job,
                    one.attempt,
                    one.hash.as_ref().map(|hash| &hash.sha256),
                    one.now.millis(),
                    from,
                    bytes,
                    one.duration_s,
                    row::to_integer(one.words),
                    one.language
                        .as_ref()
                        .map(|language| language.replace('\0', "")),
                    u8::from(one.silent),
                    one.charged_usd,
                    quality,
                    one.hash.as_ref().and_then(|hash| hash.sound.as_ref()),
                )
            });
            replies.extend(apply_guarded(text, part, &results, connection).await?);
        }
        Ok(replies)
    }
}

/// Splits completions into statements, each with at most [`MAX_STATEMENT_BYTES`] of results.
fn split_by_size<'a>(
    completions: &'a [&'a Completion],
) -> impl Iterator<Item = &'a [&'a Completion]> {
    let mut bytes = 0;
    completions.chunk_by(move |before, next| {
        bytes += before.raw.len();
        let fits = bytes + next.raw.len() <= MAX_STATEMENT_BYTES;
        if !fits {
            bytes = 0;
        }
        fits
    })
}
