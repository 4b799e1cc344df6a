//! Deduplication: recordings of equal content are paid for once and share the result.

use crate::domain::{JobId, RecordingIdentity, Request, SoundKey};
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::queue::Candidate;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{BatchedChange, Replies};
use sqlx::SqliteConnection;

/// A job of equal content or sound, with the same model and options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// Its result is stored and can be shared.
    Paid(JobId),
    /// It is in flight, or its last submission is uncertain.
    InFlight(JobId),
}

impl Store {
    /// Returns whether another file of this size, or with this sound key, was, is or will be submitted with the same model and
    /// options.
    ///
    /// Only then is the content worth hashing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn may_have_duplicate(
        &self,
        candidate: &Candidate,
        key: Option<&SoundKey>,
    ) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 WHERE EXISTS (
                 SELECT 1 FROM recordings r JOIN jobs t ON t.recording_id = r.id
                 WHERE r.size_bytes = ?2 AND r.kind = 'file' AND t.id <> ?1 AND t.model_key = ?3 AND t.options = ?4
                   AND t.state IN ('queued', 'submitting', 'pending', 'received', 'done'))
             OR EXISTS (
                 SELECT 1 FROM jobs t
                 WHERE t.sound_head = ?5 AND coalesce(abs(t.sound_s - ?6) < 1, 1)
                   AND t.id <> ?1 AND t.model_key = ?3 AND t.options = ?4
                   AND +t.state IN ('queued', 'submitting', 'pending', 'received', 'done'))",
        )
        .bind(candidate.job.id.0)
        .bind(row::to_integer(candidate.recording.revision.size_bytes))
        .bind(candidate.job.request.model_key())
        .bind(candidate.job.request.options_json())
        .bind(key.map(|key| &*key.head))
        .bind(key.and_then(|key| key.length_s))
        .fetch_optional(self.readers())
        .await?;
        Ok(found.is_some())
    }

    /// Returns a duplicate of `candidate`, preferably one with a stored result.
    ///
    /// A job whose last submission is uncertain counts as in flight: the service may have its result. So does a job that is
    /// being sent or uncertain, has the same size or the same sound key, and no known hash.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn find_duplicate(
        &self,
        candidate: &Candidate,
        identity: &RecordingIdentity,
    ) -> Result<Option<Duplicate>, StoreError> {
        let query = FindDuplicate {
            job: candidate.job.id,
            request: candidate.job.request.clone(),
            size_bytes: candidate.recording.revision.size_bytes,
            identity: identity.clone(),
        };
        self.writer().write(query).await
    }
}

/// Query for a duplicate.
///
/// It is read-only, but runs in the writer, which batches the many that arrive at the same time.
struct FindDuplicate {
    job: JobId,
    request: Request,
    size_bytes: u64,
    identity: RecordingIdentity,
}

impl BatchedChange for FindDuplicate {
    type Reply = Option<Duplicate>;

    const IS_READ_ONLY: bool = true;

    fn conflicts_with(&self, _: &Self) -> bool {
        false
    }

    async fn apply_batch(
        queries: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<Option<Duplicate>>, StoreError> {
        let twins: String = sqlx::query_scalar(
            "SELECT json_group_array(json((
                 SELECT json_array(id, paid) FROM (
                     SELECT t.id, EXISTS (SELECT 1 FROM results WHERE job_id = t.id) AS paid FROM jobs t
                     WHERE t.sha256 = c.value ->> 1
                       AND (t.state IN ('submitting', 'pending', 'received', 'done') OR t.uncertain_attempt_id NOT NULL)
                       AND t.id <> c.value ->> 0 AND t.model_key = c.value ->> 3 AND t.options = c.value ->> 4
                     UNION ALL
                     SELECT t.id, EXISTS (SELECT 1 FROM results WHERE job_id = t.id) AS paid FROM jobs t
                     WHERE t.sound_hash = c.value ->> 5 AND coalesce(abs(t.sound_s - (c.value ->> 7)) < 1, 1)
                       AND (+t.state IN ('submitting', 'pending', 'received', 'done') OR t.uncertain_attempt_id NOT NULL)
                       AND t.id <> c.value ->> 0 AND t.model_key = c.value ->> 3 AND t.options = c.value ->> 4
                     UNION ALL
                     SELECT t.id, 0 FROM jobs t INDEXED BY jobs_unhashed JOIN recordings r ON r.id = t.recording_id
                     WHERE t.sha256 IS NULL AND t.state = 'submitting'
                       AND (r.kind = 'file' AND r.size_bytes = c.value ->> 2
                            OR t.sound_head = c.value ->> 6 AND coalesce(abs(t.sound_s - (c.value ->> 7)) < 1, 1))
                       AND t.id <> c.value ->> 0 AND t.model_key = c.value ->> 3 AND t.options = c.value ->> 4
                     UNION ALL
                     SELECT t.id, 0 FROM jobs t INDEXED BY jobs_uncertain JOIN recordings r ON r.id = t.recording_id
                     WHERE t.sha256 IS NULL AND t.uncertain_attempt_id NOT NULL
                       AND (r.kind = 'file' AND r.size_bytes = c.value ->> 2
                            OR t.sound_head = c.value ->> 6 AND coalesce(abs(t.sound_s - (c.value ->> 7)) < 1, 1))
                       AND t.id <> c.value ->> 0 AND t.model_key = c.value ->> 3 AND t.options = c.value ->> 4)
                 ORDER BY paid DESC, id LIMIT 1)))
             FROM jsonb_each(?1) c",
        )
        .bind(json_rows(queries.iter().map(|one| {
            let (hash, key) = (&one.identity.hash, &one.identity.sound_key);
            (
                one.job,
                hash.as_ref().map(|hash| &hash.sha256),
                row::to_integer(one.size_bytes),
                one.request.model_key(),
                one.request.options_json(),
                hash.as_ref().and_then(|hash| hash.sound.as_ref()),
                key.as_ref().map(|key| &key.head),
                key.as_ref().and_then(|key| key.length_s),
            )
        })))
        .fetch_one(connection)
        .await?;
        let twin = |found: Option<(i64, u8)>| {
            found.map(|(job, paid)| match paid {
                0 => Duplicate::InFlight(JobId(job)),
                _ => Duplicate::Paid(JobId(job)),
            })
        };
        let twins = row::parse_rows(&twins)?.into_iter();
        Ok(twins.map(|found| Ok(twin(found))).collect())
    }
}
