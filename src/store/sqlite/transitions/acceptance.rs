//! `submitting` → `pending`: the service has accepted a submission.

use crate::domain::{AttemptId, GenerationId, JobId, RecordingHash, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::apply_guarded;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::writer::{BatchedChange, Replies};
use sqlx::SqliteConnection;

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
