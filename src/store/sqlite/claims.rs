//! Transitions out of `queued`: claim, share, fail, exclude, postpone.

use crate::domain::{AttemptId, Failure, JobId, JobState, RecordingIdentity, RunId, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::budget::store_duration;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{BatchedChange, Change, Replies, check_guard};
use sqlx::SqliteConnection;

/// A claim of a job for submission.
///
/// The request may be sent only when the claim is durable.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Job to submit.
    pub job: JobId,
    /// Run that submits it.
    pub run: RunId,
    /// Value of `X-Client-Request-Id`, unique for this attempt.
    pub client_request_id: String,
    /// Duration of the audio in seconds, if known.
    pub duration_s: Option<f64>,
    /// Known hashes and key of the content. The hashes are set if another recording may have equal content.
    pub identity: RecordingIdentity,
    /// Size of the file in bytes; `None` for a URL.
    pub size_bytes: Option<u64>,
    /// SHA-256 in hex of what is sent in place of the file, if it is not sent itself.
    pub sent_sha256: Option<String>,
    /// Time of the claim.
    pub now: Timestamp,
}

impl Store {
    /// `queued` → `submitting`.
    ///
    /// Counts the attempt and inserts it with the outcome `sending`, before anything is sent.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued, if its source is held, or if a certain or possible duplicate was claimed
    /// or paid for in the meantime. [`StoreError::Replaced`] if the database file is no longer in its place, as
    /// nobody would find what was paid for. Otherwise if the database fails.
    pub async fn claim(&self, claim: Claim) -> Result<AttemptId, StoreError> {
        self.require_in_place()?;
        failpoint::around("store.claim", self.writer().write(claim)).await
    }

    /// `queued` → `received`: copies the result of `from`, a duplicate that is already paid for.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued. [`StoreError::Content`] if `from` has no result;
    /// nothing is changed then. Otherwise if the database fails.
    pub async fn share_result(
        &self,
        job: JobId,
        from: JobId,
        identity: &RecordingIdentity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.share",
            self.writer().write(Share {
                job,
                from,
                identity: identity.clone(),
                now,
            }),
        )
        .await
    }

    /// `queued` → `failed`, for a cause found before anything was sent.
    ///
    /// `missing` marks the file of the recording as missing.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn fail_unsent(
        &self,
        job: JobId,
        failure: Failure,
        missing: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.end_unsent(EndUnsent {
            job,
            to: JobState::Failed,
            failure,
            missing,
            duration_s: None,
            now,
        })
        .await
    }

    /// `queued` → `excluded`: the limits of its source exclude the recording. `duration_s` is its length, if it was read.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn exclude(
        &self,
        job: JobId,
        failure: Failure,
        duration_s: Option<f64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.end_unsent(EndUnsent {
            job,
            to: JobState::Excluded,
            failure,
            missing: false,
            duration_s,
            now,
        })
        .await
    }

    async fn end_unsent(&self, change: EndUnsent) -> Result<(), StoreError> {
        failpoint::around("store.refuse", self.writer().write(change)).await
    }

    /// Postpones a queued job to `due`.
    ///
    /// With `duplicate_of`, it also waits while that job is in flight. `reason` is shown until then.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn postpone(
        &self,
        job: JobId,
        due: Timestamp,
        duplicate_of: Option<JobId>,
        reason: Option<Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.put_off",
            self.writer().write(Postpone {
                job,
                due,
                duplicate_of,
                reason,
                now,
            }),
        )
        .await
    }
}

impl BatchedChange for Claim {
    type Reply = AttemptId;

    /// Equal content is sent once, so the second claim must see the first.
    fn conflicts_with(&self, other: &Self) -> bool {
        let is_hashed = self.identity.hash.is_some() && other.identity.hash.is_some();
        let has_same_size = self.size_bytes.is_some() && self.size_bytes == other.size_bytes;
        self.job == other.job
            || self.identity.may_equal(&other.identity)
            || !is_hashed && has_same_size
    }

    async fn apply_batch(
        claims: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<AttemptId>, StoreError> {
        let claimed: String = sqlx::query_scalar(
            "INSERT INTO attempts (job_id, run_id, client_request_id, started_at, sent_sha256, outcome)
             SELECT jobs.id, c.value ->> 1, c.value ->> 2, c.value ->> 3, c.value ->> 9, 'sending'
             FROM jsonb_each(?1) c CROSS JOIN jobs ON jobs.id = c.value ->> 0
             WHERE jobs.state = 'queued' AND uncertain_attempt_id IS NULL
               AND (jobs.paid_mark IS 'approved' OR NOT EXISTS (
                    SELECT 1 FROM source_holds h JOIN recordings own ON own.id = jobs.recording_id
                    WHERE h.source = own.source AND own.kind = 'file'
                    AND (h.whole = 1 OR jobs.paid_mark = 'transcribed')))
               AND NOT EXISTS (SELECT 1 FROM jobs t WHERE t.sha256 = c.value ->> 4
                               AND (+t.state IN ('submitting', 'pending', 'received', 'done')
                                    OR t.uncertain_attempt_id NOT NULL)
                               AND t.model_key = jobs.model_key AND t.options = jobs.options)
               AND NOT EXISTS (SELECT 1 FROM jobs t WHERE t.sound_hash = c.value ->> 6
                               AND coalesce(abs(t.sound_s - (c.value ->> 8)) < 1, 1)
                               AND (+t.state IN ('submitting', 'pending', 'received', 'done')
                                    OR t.uncertain_attempt_id NOT NULL)
                               AND t.model_key = jobs.model_key AND t.options = jobs.options)
               AND NOT EXISTS (SELECT 1 FROM jobs t INDEXED BY jobs_unhashed
                               JOIN recordings r ON r.id = t.recording_id
                               JOIN recordings own ON own.id = jobs.recording_id
                               WHERE t.state = 'submitting' AND t.sha256 IS NULL
                               AND t.model_key = jobs.model_key AND t.options = jobs.options
                               AND (r.kind = 'file' AND own.kind = 'file' AND r.size_bytes = own.size_bytes
                                    OR t.sound_head = c.value ->> 7
                                       AND coalesce(abs(t.sound_s - (c.value ->> 8)) < 1, 1)))
               AND NOT EXISTS (SELECT 1 FROM jobs t INDEXED BY jobs_uncertain
                               JOIN recordings r ON r.id = t.recording_id
                               JOIN recordings own ON own.id = jobs.recording_id
                               WHERE t.uncertain_attempt_id NOT NULL AND t.sha256 IS NULL
                               AND t.model_key = jobs.model_key AND t.options = jobs.options
                               AND (r.kind = 'file' AND own.kind = 'file' AND r.size_bytes = own.size_bytes
                                    OR t.sound_head = c.value ->> 7
                                       AND coalesce(abs(t.sound_s - (c.value ->> 8)) < 1, 1)))
               AND (c.value ->> 4 NOT NULL OR NOT EXISTS (
                    SELECT 1 FROM jobs t WHERE t.sound_head = c.value ->> 7
                    AND coalesce(abs(t.sound_s - (c.value ->> 8)) < 1, 1)
                    AND t.id <> jobs.id AND t.model_key = jobs.model_key AND t.options = jobs.options
                    AND (+t.state IN ('submitting', 'pending', 'received', 'done')
                         OR t.uncertain_attempt_id NOT NULL)))
               AND (c.value ->> 4 NOT NULL OR
                    NOT EXISTS (SELECT 1 FROM recordings own
                                JOIN recordings r ON r.size_bytes = own.size_bytes
                                JOIN jobs t ON t.recording_id = r.id
                                WHERE own.id = jobs.recording_id AND own.kind = 'file' AND r.kind = 'file'
                                AND t.id <> jobs.id AND t.model_key = jobs.model_key AND t.options = jobs.options
                                AND (+t.state IN ('submitting', 'pending', 'received', 'done')
                                     OR t.uncertain_attempt_id NOT NULL)));
             UPDATE recordings SET duration_s = c.duration_s
             FROM (SELECT jobs.recording_id, value ->> 5 AS duration_s
                   FROM jsonb_each(?1) CROSS JOIN attempts a ON a.client_request_id = value ->> 2
                   CROSS JOIN jobs ON jobs.id = a.job_id LIMIT -1) c
             WHERE recordings.id = c.recording_id AND c.duration_s NOT NULL
               AND c.duration_s IS NOT recordings.duration_s;
             UPDATE jobs SET state = 'submitting', run_id = c.value ->> 1, attempts = attempts + 1,
                             duplicate_of = NULL, sha256 = c.value ->> 4, sound_hash = c.value ->> 6,
                             sound_head = c.value ->> 7, sound_s = c.value ->> 8, updated_at = c.value ->> 3
             FROM jsonb_each(?1) c WHERE jobs.id = c.value ->> 0
             AND EXISTS (SELECT 1 FROM attempts WHERE client_request_id = c.value ->> 2);
             SELECT json_group_array(json_array(c.key, a.id))
             FROM jsonb_each(?1) c CROSS JOIN attempts a ON a.client_request_id = c.value ->> 2",
        )
        .bind(json_rows(claims.iter().map(|claim| {
            let (hash, key) = (&claim.identity.hash, &claim.identity.sound_key);
            (
                claim.job,
                claim.run,
                &claim.client_request_id,
                claim.now.millis(),
                hash.as_ref().map(|hash| &hash.sha256),
                claim.duration_s,
                hash.as_ref().and_then(|hash| hash.sound.as_ref()),
                key.as_ref().map(|key| &key.head),
                key.as_ref().and_then(|key| key.length_s),
                &claim.sent_sha256,
            )
        })))
        .fetch_one(connection)
        .await?;
        let mut replies: Vec<_> = claims.iter().map(|_| Err(StoreError::Stale)).collect();
        for (index, attempt) in row::parse_rows::<(usize, i64)>(&claimed)? {
            replies[index] = Ok(AttemptId(attempt));
        }
        Ok(replies)
    }
}

struct Share {
    job: JobId,
    from: JobId,
    identity: RecordingIdentity,
    now: Timestamp,
}

impl Change for Share {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let shared = sqlx::query(
            "UPDATE jobs SET state = 'received', due_at = ?2, updated_at = ?2, duplicate_of = NULL,
                             error_class = NULL, error_message = NULL
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.now.millis())
        .execute(&mut *connection)
        .await?;
        check_guard(&shared)?;
        store_identity(connection, self.job, &self.identity).await?;
        let copied = sqlx::query(
            "INSERT OR REPLACE INTO results
                 (job_id, raw, received_at, duration_s, words, language, silent, quality, paid_by)
             SELECT ?1, raw, ?3, duration_s, words, language, silent, quality, coalesce(paid_by, job_id)
             FROM results WHERE job_id = ?2",
        )
        .bind(self.job.0)
        .bind(self.from.0)
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        // Not `Stale`, which would commit the update above.
        if copied.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Content {
                column: "duplicate_of",
            })
        }
    }
}

/// Stores what is known of the content of a job's recording.
pub(super) async fn store_identity(
    connection: &mut SqliteConnection,
    job: JobId,
    identity: &RecordingIdentity,
) -> Result<(), StoreError> {
    let (hash, key) = (identity.hash.as_ref(), identity.sound_key.as_ref());
    sqlx::query(
        "UPDATE jobs SET sha256 = ?2, sound_hash = ?3, sound_head = ?4, sound_s = ?5 WHERE id = ?1",
    )
    .bind(job.0)
    .bind(hash.map(|hash| &*hash.sha256))
    .bind(hash.and_then(|hash| hash.sound.as_deref()))
    .bind(key.map(|key| &*key.head))
    .bind(key.and_then(|key| key.length_s))
    .execute(connection)
    .await?;
    Ok(())
}

struct EndUnsent {
    job: JobId,
    to: JobState,
    failure: Failure,
    missing: bool,
    duration_s: Option<f64>,
    now: Timestamp,
}

impl Change for EndUnsent {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let ended = sqlx::query(
            "UPDATE jobs SET state = ?5, duplicate_of = NULL, error_class = ?2, error_message = ?3, updated_at = ?4
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .bind(self.to.as_str())
        .execute(&mut *connection)
        .await?;
        check_guard(&ended)?;
        if self.missing {
            sqlx::query("UPDATE recordings SET missing = 1 WHERE id = (SELECT recording_id FROM jobs WHERE id = ?1)")
                .bind(self.job.0)
                .execute(&mut *connection)
                .await?;
        }
        store_duration(connection, self.job, self.duration_s).await
    }
}

struct Postpone {
    job: JobId,
    due: Timestamp,
    duplicate_of: Option<JobId>,
    reason: Option<Failure>,
    now: Timestamp,
}

impl Change for Postpone {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let postponed = sqlx::query(
            "UPDATE jobs SET due_at = ?2, duplicate_of = ?3, error_class = ?4, error_message = ?5, updated_at = ?6
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(self.duplicate_of.map(|job| job.0))
        .bind(self.reason.as_ref().map(|reason| reason.class.as_str()))
        .bind(self.reason.as_ref().map(|reason| reason.message.as_str()))
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        check_guard(&postponed)
    }
}
