//! A job leaves the queue: it is claimed for a submission, takes the result of an equal recording, or is put off.

use super::error::StoreError;
use super::open::Store;
use super::row;
use super::together::rows;
use super::writer::{Change, Changes, Replies, guarded};
use crate::crash;
use crate::domain::{AttemptId, Failure, JobId, JobState, RunId, Timestamp};
use sqlx::SqliteConnection;

/// A claim: the request may leave once this is durable.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job to submit.
    pub job: JobId,
    /// The run that submits it.
    pub run: RunId,
    /// What the request carries as `X-Client-Request-Id`, unique for this attempt.
    pub client_request_id: String,
    /// The audio's length where it is known, in seconds.
    pub duration_s: Option<f64>,
    /// Of the audio, where another recording may have the same.
    pub sha256: Option<String>,
    /// The size of the file, in bytes; none for a URL.
    pub size_bytes: Option<u64>,
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// queued → submitting. The attempt is counted, and its row says `sending`, before anything is sent.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued, or if a recording that is or may be equal was claimed or
    /// paid for since it was looked at; otherwise if the database fails.
    pub async fn claim(&self, claim: Claim) -> Result<AttemptId, StoreError> {
        crash::around("store.claim", self.writer().write(claim)).await
    }

    /// queued → received: takes the result that `from` was paid for.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued or `from` has no result.
    pub async fn share(
        &self,
        job: JobId,
        from: JobId,
        sha256: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        crash::around(
            "store.share",
            self.writer().write(Share {
                job,
                from,
                sha256: sha256.to_owned(),
                now,
            }),
        )
        .await
    }

    /// queued → failed: what was found before anything was sent.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn refuse(
        &self,
        job: JobId,
        failure: Failure,
        gone: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        crash::around(
            "store.refuse",
            self.writer().write(Refuse {
                job,
                to: JobState::Failed,
                failure,
                gone,
                now,
            }),
        )
        .await
    }

    /// queued → cancelled: it is left out, which is nobody's failure.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn skip(
        &self,
        job: JobId,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        crash::around(
            "store.refuse",
            self.writer().write(Refuse {
                job,
                to: JobState::Cancelled,
                failure,
                gone: false,
                now,
            }),
        )
        .await
    }

    /// Leaves the job queued, but not before `due`; with `twin`, not while that job is on its way either. `why` is
    /// shown meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued.
    pub async fn put_off(
        &self,
        job: JobId,
        due: Timestamp,
        twin: Option<JobId>,
        why: Option<Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        crash::around(
            "store.put_off",
            self.writer().write(PutOff {
                job,
                due,
                twin,
                why,
                now,
            }),
        )
        .await
    }
}

impl Changes for Claim {
    type Reply = AttemptId;

    /// Equal content is sent once: the second claim must see the first.
    fn clashes(&self, other: &Self) -> bool {
        let may_be_equal = match (&self.sha256, &other.sha256) {
            (Some(own), Some(others)) => own == others,
            _ => self.size_bytes.is_some() && self.size_bytes == other.size_bytes,
        };
        self.job == other.job || may_be_equal
    }

    async fn apply_round(
        claims: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<AttemptId>, StoreError> {
        let claimed: String = sqlx::query_scalar(
            "INSERT INTO attempts (job_id, run_id, client_request_id, started_at, outcome)
             SELECT jobs.id, c.value ->> 1, c.value ->> 2, c.value ->> 3, 'sending'
             FROM jsonb_each(?1) c CROSS JOIN jobs ON jobs.id = c.value ->> 0
             WHERE jobs.state = 'queued' AND doubt IS NULL
               AND NOT EXISTS (SELECT 1 FROM jobs t WHERE t.sha256 = c.value ->> 4
                               AND +t.state IN ('submitting', 'pending', 'received', 'done')
                               AND t.model = jobs.model AND t.options = jobs.options)
               AND NOT EXISTS (SELECT 1 FROM jobs t INDEXED BY jobs_unhashed
                               JOIN recordings r ON r.id = t.recording_id
                               JOIN recordings own ON own.id = jobs.recording_id
                               WHERE t.state = 'submitting' AND t.sha256 IS NULL
                               AND t.model = jobs.model AND t.options = jobs.options
                               AND r.kind = 'file' AND own.kind = 'file' AND r.size_bytes = own.size_bytes)
               AND (c.value ->> 4 NOT NULL OR
                    NOT EXISTS (SELECT 1 FROM recordings own
                                JOIN recordings r ON r.size_bytes = own.size_bytes
                                JOIN jobs t ON t.recording_id = r.id
                                WHERE own.id = jobs.recording_id AND own.kind = 'file' AND r.kind = 'file'
                                AND t.id <> jobs.id AND t.model = jobs.model AND t.options = jobs.options
                                AND +t.state IN ('submitting', 'pending', 'received', 'done')));
             UPDATE recordings SET duration_s = c.duration_s
             FROM (SELECT jobs.recording_id, value ->> 5 AS duration_s
                   FROM jsonb_each(?1) CROSS JOIN attempts a ON a.client_request_id = value ->> 2
                   CROSS JOIN jobs ON jobs.id = a.job_id LIMIT -1) c
             WHERE recordings.id = c.recording_id AND c.duration_s NOT NULL AND c.duration_s IS NOT recordings.duration_s;
             UPDATE jobs SET state = 'submitting', owner = c.value ->> 1, attempts = attempts + 1, twin = NULL,
                             sha256 = c.value ->> 4, updated_at = c.value ->> 3
             FROM jsonb_each(?1) c WHERE jobs.id = c.value ->> 0
             AND EXISTS (SELECT 1 FROM attempts WHERE client_request_id = c.value ->> 2);
             SELECT json_group_array(json_array(c.key, a.id))
             FROM jsonb_each(?1) c CROSS JOIN attempts a ON a.client_request_id = c.value ->> 2",
        )
        .bind(rows(claims.iter().map(|claim| {
            (
                claim.job,
                claim.run,
                &claim.client_request_id,
                claim.now.millis(),
                &claim.sha256,
                claim.duration_s,
            )
        })))
        .fetch_one(connection)
        .await?;
        let mut replies: Vec<_> = claims.iter().map(|_| Err(StoreError::Stale)).collect();
        for (place, attempt) in row::list::<(usize, i64)>(&claimed)? {
            replies[place] = Ok(AttemptId(attempt));
        }
        Ok(replies)
    }
}

struct Share {
    job: JobId,
    from: JobId,
    sha256: String,
    now: Timestamp,
}

impl Change for Share {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let shared = sqlx::query(
            "UPDATE jobs SET state = 'received', sha256 = ?2, due_at = ?3, updated_at = ?3, twin = NULL,
                             error_class = NULL, error_message = NULL
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(&self.sha256)
        .bind(self.now.millis())
        .execute(&mut *connection)
        .await?;
        guarded(&shared)?;
        let copied = sqlx::query(
            "INSERT OR REPLACE INTO results
                 (job_id, raw, received_at, duration_s, words, language, silent, paid_by)
             SELECT ?1, raw, ?3, duration_s, words, language, silent, coalesce(paid_by, job_id)
             FROM results WHERE job_id = ?2",
        )
        .bind(self.job.0)
        .bind(self.from.0)
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        // Not `Stale`: the guarded update above must be undone with it.
        if copied.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Content { column: "twin" })
        }
    }
}

struct Refuse {
    job: JobId,
    to: JobState,
    failure: Failure,
    gone: bool,
    now: Timestamp,
}

impl Change for Refuse {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let refused = sqlx::query(
            "UPDATE jobs SET state = ?5, twin = NULL, error_class = ?2, error_message = ?3, updated_at = ?4
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .bind(self.to.as_str())
        .execute(&mut *connection)
        .await?;
        guarded(&refused)?;
        if self.gone {
            sqlx::query("UPDATE recordings SET gone = 1 WHERE id = (SELECT recording_id FROM jobs WHERE id = ?1)")
                .bind(self.job.0)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

struct PutOff {
    job: JobId,
    due: Timestamp,
    twin: Option<JobId>,
    why: Option<Failure>,
    now: Timestamp,
}

impl Change for PutOff {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let put_off = sqlx::query(
            "UPDATE jobs SET due_at = ?2, twin = ?3, error_class = ?4, error_message = ?5, updated_at = ?6
             WHERE id = ?1 AND state = 'queued'",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(self.twin.map(|twin| twin.0))
        .bind(self.why.as_ref().map(|why| why.class.as_str()))
        .bind(self.why.as_ref().map(|why| why.message.as_str()))
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        guarded(&put_off)
    }
}
