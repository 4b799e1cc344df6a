//! Uncertain submissions, whose answer was lost.
//!
//! Their jobs are queued, but are looked up at the service before they are submitted again.

use crate::domain::{
    AttemptId, Failure, GenerationId, JobId, Recording, RecordingHash, RunId, Timestamp,
};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{Change, check_guard};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// A submission that the service may have accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct UncertainSubmission {
    /// Job ID.
    pub job: JobId,
    /// Attempt whose answer was lost.
    pub attempt: AttemptId,
    /// Value of `X-Client-Request-Id`.
    pub client_request_id: String,
    /// Time of the claim, before the request was sent.
    pub started_at: Timestamp,
    /// Number of lookups that did not find it.
    pub lookups: u32,
    /// Number of attempts spent, including this one.
    pub attempts: u32,
    /// Model.
    pub model: String,
    /// Duration of the audio in seconds, if known.
    pub duration_s: Option<f64>,
    /// SHA-256 in hex of what was sent in place of the recording, if it was not sent itself.
    pub sent_sha256: Option<String>,
    /// The recording, as of the last scan.
    pub recording: Recording,
    /// Whether the recording has changed since the submission.
    pub has_changed: bool,
}

/// A submission found by a lookup: the service had accepted it.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// Job ID.
    pub job: JobId,
    /// Attempt whose answer was lost.
    pub attempt: AttemptId,
    /// Run that polls it.
    pub run: RunId,
    /// Generation ID at the service.
    pub generation: GenerationId,
    /// Hashes of the audio that was sent, if the file is unchanged.
    pub hash: Option<RecordingHash>,
    /// Time of the acceptance.
    pub accepted_at: Timestamp,
    /// Expiry at the service.
    pub expires_at: Timestamp,
    /// Time of the lookup.
    pub now: Timestamp,
}

impl Store {
    /// Returns the uncertain submissions that are due for a lookup, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn uncertain_submissions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<UncertainSubmission>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.uncertain_attempt_id, a.client_request_id, a.started_at, j.lookups, j.attempts, j.model,
                    r.duration_s, a.sent_sha256, r.source, r.kind, r.location, r.size_bytes, r.modified_at, r.relative,
                    r.seen_at > a.started_at AS has_changed
             FROM jobs j JOIN attempts a ON a.id = j.uncertain_attempt_id JOIN recordings r ON r.id = j.recording_id
             WHERE j.uncertain_attempt_id IS NOT NULL AND j.due_at <= ?1 ORDER BY a.started_at",
        )
        .bind(now.millis())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(submission).collect()
    }

    /// Returns the number of jobs with an uncertain submission.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn uncertain_count(&self) -> Result<usize, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE uncertain_attempt_id IS NOT NULL")
                .fetch_one(self.readers())
                .await?;
        usize::try_from(count).map_err(|_| StoreError::Content { column: "count" })
    }

    /// Returns the time of the next lookup; `None` if no job is uncertain.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_lookup(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(due_at) FROM jobs WHERE uncertain_attempt_id IS NOT NULL",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// `queued` and uncertain → `pending`: the lookup found the submission.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if that attempt is no longer the uncertain one of the job.
    pub async fn adopt(&self, adoption: Adoption) -> Result<(), StoreError> {
        failpoint::around("store.adopt", self.writer().write(adoption)).await
    }

    /// Schedules the next lookup at `due`, after one that did not find the submission.
    ///
    /// A lookup that could not be made is not `counted`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer uncertain.
    pub async fn schedule_lookup(
        &self,
        job: JobId,
        due: Timestamp,
        counted: bool,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.look_again",
            self.writer().write(ScheduleLookup { job, due, counted }),
        )
        .await
    }

    /// Ends the lookups of a submission that the service does not list.
    ///
    /// The attempt stays `uncertain`. The job is submitted again from the time in `outcome` on, or fails.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer uncertain.
    pub async fn give_up_lookup(
        &self,
        job: JobId,
        outcome: Result<Timestamp, Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let given_up = GiveUpLookups { job, outcome, now };
        failpoint::around("store.give_up_doubt", self.writer().write(given_up)).await
    }
}

fn submission(found: &SqliteRow) -> Result<UncertainSubmission, StoreError> {
    let small_count = |column: &'static str| {
        u32::try_from(found.try_get::<i64, _>(column)?).map_err(|_| StoreError::Content { column })
    };
    Ok(UncertainSubmission {
        job: JobId(found.try_get("id")?),
        attempt: AttemptId(found.try_get("uncertain_attempt_id")?),
        client_request_id: found.try_get("client_request_id")?,
        started_at: row::time(found, "started_at")?,
        lookups: small_count("lookups")?,
        attempts: small_count("attempts")?,
        model: found.try_get("model")?,
        duration_s: found.try_get("duration_s")?,
        sent_sha256: found.try_get("sent_sha256")?,
        recording: row::recording(found)?,
        has_changed: row::is_set(found, "has_changed")?,
    })
}

impl Change for Adoption {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let adopted = sqlx::query(
            "UPDATE jobs SET state = 'pending', uncertain_attempt_id = NULL, lookups = 0, run_id = ?3,
                             generation_id = ?4, accepted_at = ?5, expires_at = ?6, error_class = NULL, error_message = NULL,
                             sha256 = coalesce(?8, sha256), sound_hash = coalesce(?9, sound_hash),
                             updated_at = ?7
             WHERE id = ?1 AND state = 'queued' AND uncertain_attempt_id = ?2",
        )
        .bind(self.job.0)
        .bind(self.attempt.0)
        .bind(self.run.0)
        .bind(self.generation.as_str())
        .bind(self.accepted_at.millis())
        .bind(self.expires_at.millis())
        .bind(self.now.millis())
        .bind(self.hash.as_ref().map(|hash| &hash.sha256))
        .bind(self.hash.as_ref().and_then(|hash| hash.sound.as_ref()))
        .execute(&mut *connection)
        .await?;
        check_guard(&adopted)?;
        sqlx::query(
            "UPDATE attempts SET outcome = 'accepted', ended_at = NULL, generation_id = ?2, error_class = NULL,
                                 error_message = NULL
             WHERE id = ?1",
        )
        .bind(self.attempt.0)
        .bind(self.generation.as_str())
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct ScheduleLookup {
    job: JobId,
    due: Timestamp,
    counted: bool,
}

impl Change for ScheduleLookup {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let updated = sqlx::query(
            "UPDATE jobs SET due_at = ?2, lookups = lookups + ?3 WHERE id = ?1 AND uncertain_attempt_id IS NOT NULL",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(i64::from(self.counted))
        .execute(connection)
        .await?;
        check_guard(&updated)
    }
}

struct GiveUpLookups {
    job: JobId,
    outcome: Result<Timestamp, Failure>,
    now: Timestamp,
}

impl Change for GiveUpLookups {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (state, due) = match &self.outcome {
            Ok(due) => ("queued", *due),
            Err(_) => ("failed", self.now),
        };
        let failure = self.outcome.as_ref().err();
        let given_up = sqlx::query(
            "UPDATE jobs SET state = ?2, uncertain_attempt_id = NULL, lookups = 0, due_at = ?3, updated_at = ?4,
                             error_class = coalesce(?5, error_class), error_message = coalesce(?6, error_message)
             WHERE id = ?1 AND uncertain_attempt_id IS NOT NULL",
        )
        .bind(self.job.0)
        .bind(state)
        .bind(due.millis())
        .bind(self.now.millis())
        .bind(failure.map(|failure| failure.class.as_str()))
        .bind(failure.map(|failure| failure.message.as_str()))
        .execute(connection)
        .await?;
        check_guard(&given_up)
    }
}
