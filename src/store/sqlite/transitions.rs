//! Transitions of a claimed job, up to its output files.
//!
//! Each change names the state and the attempt that it expects.

use crate::domain::quality::Quality;
use crate::domain::search::entry::SearchEntry;
use crate::domain::{
    AttemptId, Failure, GenerationId, JobId, RecordingHash, Timestamp, WrittenFile,
};
use crate::policy::outcome::{AttemptOutcome, JobChange, Reason};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::{apply_guarded, json_rows};
use crate::store::sqlite::open::Store;
use crate::store::sqlite::quality::stored;
use crate::store::sqlite::row;
use crate::store::sqlite::search_index::{Replace, write_entries};
use crate::store::sqlite::writer::{BatchedChange, Change, Replies, check_guard};
use bytes::Bytes;
use sqlx::SqliteConnection;
use std::borrow::Cow;
use std::sync::Arc;

/// Maximum size of the stored results in one statement, in bytes. A larger result gets a statement of its own.
const MAX_STATEMENT_BYTES: usize = 256 * 1024;

/// An accepted submission.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// Job ID.
    pub job: JobId,
    /// Attempt that was accepted.
    pub attempt: AttemptId,
    /// Generation ID at the service.
    pub generation: GenerationId,
    /// Time of the answer.
    pub accepted_at: Timestamp,
    /// Expiry of the transcription at the service.
    pub expires_at: Timestamp,
    /// Hashes of the audio that was sent.
    pub hash: Option<RecordingHash>,
    /// HTTP status of the answer.
    pub http_status: u16,
    /// `x-request-id` of the answer.
    pub request_id: Option<String>,
    /// Price in US dollars, if the answer said it.
    pub charged_usd: Option<f64>,
}

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

/// State of a job after an attempt without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextState {
    /// `queued`. The attempt is not counted unless it is `spent`.
    Queued {
        /// Earliest time of the next attempt.
        due: Timestamp,
        /// Whether the attempt counts.
        spent: bool,
    },
    /// `failed`.
    Failed,
}

/// An attempt that ended without a result.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// Job ID.
    pub job: JobId,
    /// Attempt that ended.
    pub attempt: AttemptId,
    /// Outcome of the attempt.
    pub outcome: AttemptOutcome,
    /// State of the job afterwards.
    pub next_state: NextState,
    /// Cause.
    pub failure: Failure,
    /// HTTP status of the answer, if any.
    pub http_status: Option<u16>,
    /// `x-request-id` of the answer, if any.
    pub request_id: Option<String>,
    /// Time of the end.
    pub now: Timestamp,
}

impl FailedAttempt {
    /// Returns the end of an attempt that `change` asks for; `None` if it does not end one. `answer` is the failure that
    /// the answer carries.
    #[must_use]
    pub fn of(
        change: JobChange,
        job: JobId,
        attempt: AttemptId,
        answer: Option<Failure>,
        now: Timestamp,
    ) -> Option<Self> {
        let (outcome, next_state, reason) = match change {
            JobChange::LookUp => {
                let next = NextState::Queued {
                    due: now,
                    spent: true,
                };
                (AttemptOutcome::Uncertain, next, Reason::Answer)
            }
            JobChange::Requeue {
                outcome,
                due,
                spent,
                reason,
            } => (outcome, NextState::Queued { due, spent }, reason),
            JobChange::Fail { outcome, reason } => (outcome, NextState::Failed, reason),
            JobChange::Accept
            | JobChange::Complete
            | JobChange::PollAgain { .. }
            | JobChange::LookUpAgain { .. }
            | JobChange::Nothing => return None,
        };
        Some(Self {
            job,
            attempt,
            outcome,
            next_state,
            failure: reason.failure(answer),
            http_status: None,
            request_id: None,
            now,
        })
    }
}

impl Store {
    /// `submitting` → `pending`.
    ///
    /// The generation ID becomes durable here, before it is used in any other way.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer submitting.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<(), StoreError> {
        failpoint::around("store.accept", self.writer().write(acceptance)).await
    }

    /// `submitting` or `pending` → `received`.
    ///
    /// The result becomes durable here, before any file is written.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is in neither state, for example after a cancel.
    pub async fn complete(&self, completion: Completion) -> Result<(), StoreError> {
        failpoint::around("store.complete", self.writer().write(completion)).await
    }

    /// `submitting` or `pending` → `queued` or `failed`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is in neither state.
    pub async fn fail_attempt(&self, setback: FailedAttempt) -> Result<(), StoreError> {
        failpoint::around("store.set_back", self.writer().write(setback)).await
    }

    /// `received` → `done`.
    ///
    /// Call it only when the files are complete and synced to disk. Files that an earlier job of the recording
    /// wrote under the same names now belong to this job. The same commit writes the `entry` of the search index, which
    /// replaces that of an earlier job of the recording. With `hook`, it queues the hook of the job.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn finish_job(
        &self,
        job: JobId,
        files: Vec<WrittenFile>,
        entry: Arc<SearchEntry>,
        hook: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let written = Written {
            job,
            files,
            entry: Some(entry),
            hook,
            is_set_aside: false,
            now,
        };
        failpoint::around("store.written", self.writer().write(written)).await
    }

    /// `received` → `done`, without files: an earlier transcript of the recording is better, and its files stay.
    ///
    /// The result stays stored.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn set_aside(&self, job: JobId, now: Timestamp) -> Result<(), StoreError> {
        let written = Written {
            job,
            files: Vec::new(),
            entry: None,
            hook: false,
            is_set_aside: true,
            now,
        };
        failpoint::around("store.written", self.writer().write(written)).await
    }

    /// Records files that were rendered again from a stored result as output of the job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_export(
        &self,
        job: JobId,
        files: Vec<WrittenFile>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.exported",
            self.writer().write(Exported { job, files, now }),
        )
        .await
    }

    /// Records that the files of a received job could not be written.
    ///
    /// The job stays `received` and keeps its result. Writing is retried at `due`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn postpone_write(
        &self,
        job: JobId,
        failure: Failure,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.not_written",
            self.writer().write(NotWritten {
                job,
                failure,
                due,
                now,
            }),
        )
        .await
    }
}

impl BatchedChange for Acceptance {
    type Reply = ();

    fn conflicts_with(&self, other: &Self) -> bool {
        self.job == other.job
    }

    async fn apply_batch(
        acceptances: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<()>, StoreError> {
        let text = "
            UPDATE attempts SET outcome = 'accepted', generation_id = CAST(unhex(a.value ->> 2) AS TEXT), http_status = a.value ->> 6,
                                request_id = a.value ->> 7, charged_usd = a.value ->> 8
            FROM jsonb_each(?1) a
            WHERE attempts.id = a.value ->> 1
              AND EXISTS (SELECT 1 FROM jobs WHERE id = a.value ->> 0 AND state = 'submitting');
            UPDATE jobs SET state = 'pending', generation_id = CAST(unhex(a.value ->> 2) AS TEXT), accepted_at = a.value ->> 3,
                            expires_at = a.value ->> 4, sha256 = a.value ->> 5, sound_hash = a.value ->> 9,
                            error_class = NULL, error_message = NULL, updated_at = a.value ->> 3
            FROM jsonb_each(?1) a WHERE jobs.id = a.value ->> 0 AND +jobs.state = 'submitting'";
        let acceptances = acceptances.iter().map(|one| {
            (
                one.job,
                one.attempt,
                // Hex, because SQLite cuts a JSON string at a NUL.
                hex::encode(one.generation.as_str()),
                one.accepted_at.millis(),
                one.expires_at.millis(),
                one.hash.as_ref().map(|hash| &hash.sha256),
                one.http_status,
                &one.request_id,
                one.charged_usd,
                one.hash.as_ref().and_then(|hash| hash.sound.as_ref()),
            )
        });
        apply_guarded(text, acceptances, &[], connection).await
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

impl Change for FailedAttempt {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (state, due, refund) = match self.next_state {
            NextState::Queued { due, spent } => ("queued", due, i64::from(!spent)),
            NextState::Failed => ("failed", self.now, 0),
        };
        let is_uncertain = self.outcome == AttemptOutcome::Uncertain
            && matches!(self.next_state, NextState::Queued { .. });
        let updated = sqlx::query(
            "UPDATE jobs SET state = ?2, run_id = NULL, due_at = ?3, attempts = max(attempts - ?4, 0),
                             generation_id = NULL, accepted_at = NULL, expires_at = NULL,
                             error_class = ?5, error_message = ?6, updated_at = ?7,
                             uncertain_attempt_id = ?8, lookups = 0
             WHERE id = ?1 AND state IN ('submitting', 'pending')",
        )
        .bind(self.job.0)
        .bind(state)
        .bind(due.millis())
        .bind(refund)
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .bind(is_uncertain.then_some(self.attempt.0))
        .execute(&mut *connection)
        .await?;
        check_guard(&updated)?;
        sqlx::query(
            "UPDATE attempts SET outcome = ?2, ended_at = ?3, error_class = ?4, error_message = ?5,
                                 http_status = coalesce(?6, http_status), request_id = coalesce(?7, request_id)
             WHERE id = ?1",
        )
        .bind(self.attempt.0)
        .bind(self.outcome.as_str())
        .bind(self.now.millis())
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.http_status)
        .bind(&self.request_id)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Written {
    job: JobId,
    files: Vec<WrittenFile>,
    /// Entry of the search index. `None` if the transcript is set aside.
    entry: Option<Arc<SearchEntry>>,
    hook: bool,
    is_set_aside: bool,
    now: Timestamp,
}

impl BatchedChange for Written {
    type Reply = ();

    fn conflicts_with(&self, other: &Self) -> bool {
        self.job == other.job || self.hook != other.hook
    }

    async fn apply_batch(
        saved: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<()>, StoreError> {
        if saved.iter().any(|one| one.hook) {
            let jobs = saved.iter().map(|one| (one.job, one.now.millis()));
            sqlx::query(
                "INSERT OR IGNORE INTO hooks (job_id, created_at)
                 SELECT jobs.id, w.value ->> 1 FROM jsonb_each(?1) w CROSS JOIN jobs ON jobs.id = w.value ->> 0
                 WHERE state = 'received'",
            )
            .bind(json_rows(jobs))
            .execute(&mut *connection)
            .await?;
        }
        let entries: Vec<_> = saved
            .iter()
            .filter_map(|one| one.entry.as_deref())
            .collect();
        write_entries(&entries, Replace::Any, connection).await?;
        let text = "
            INSERT OR REPLACE INTO outputs (path, job_id, size_bytes, written_at, sha256, changed_at_ns)
            SELECT unhex(o.value ->> 0), jobs.id, o.value ->> 1, w.value ->> 1, unhex(o.value ->> 2), o.value ->> 3
            FROM jsonb_each(?1) w CROSS JOIN jobs ON jobs.id = w.value ->> 0 CROSS JOIN jsonb_each(jsonb_extract(w.value, '$[2]')) o
            WHERE state = 'received';
            UPDATE jobs SET state = 'done', set_aside = w.value ->> 3, error_class = NULL, error_message = NULL,
                            updated_at = w.value ->> 1
            FROM jsonb_each(?1) w WHERE jobs.id = w.value ->> 0 AND +jobs.state = 'received'";
        let saved = saved.iter().map(|one| {
            let set_aside = u8::from(one.is_set_aside);
            (one.job, one.now.millis(), outputs(&one.files), set_aside)
        });
        apply_guarded(text, saved, &[], connection).await
    }
}

struct Exported {
    job: JobId,
    files: Vec<WrittenFile>,
    now: Timestamp,
}

impl Change for Exported {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        insert_outputs(connection, self.job, &self.files, self.now).await
    }
}

/// Records the output files of a job.
pub(super) async fn insert_outputs(
    connection: &mut SqliteConnection,
    job: JobId,
    files: &[WrittenFile],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO outputs (path, job_id, size_bytes, written_at, sha256, changed_at_ns)
         SELECT unhex(value ->> 0), ?1, value ->> 1, ?2, unhex(value ->> 2), value ->> 3 FROM jsonb_each(?3)",
    )
    .bind(job.0)
    .bind(now.millis())
    .bind(json_rows(outputs(files)))
    .execute(connection)
    .await?;
    Ok(())
}

/// A row of `outputs`: path in hex, size, hash in hex, change time.
type OutputRow = (String, i64, String, Option<i64>);

fn outputs(files: &[WrittenFile]) -> Vec<OutputRow> {
    let files = files.iter().map(|file| {
        (
            // Hex, because a path need not be UTF-8.
            hex::encode(row::path_bytes(&file.path)),
            row::to_integer(file.size_bytes),
            hex::encode(file.sha256),
            file.changed_at_ns,
        )
    });
    files.collect()
}

struct NotWritten {
    job: JobId,
    failure: Failure,
    due: Timestamp,
    now: Timestamp,
}

impl Change for NotWritten {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let updated = sqlx::query(
            "UPDATE jobs SET due_at = ?2, error_class = ?3, error_message = ?4, updated_at = ?5
             WHERE id = ?1 AND state = 'received'",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        check_guard(&updated)
    }
}
