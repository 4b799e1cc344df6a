//! Answers to polls that could not be used. They were paid for, so they are kept.

use crate::domain::{AttemptId, GenerationId, JobId, Timestamp};
use crate::store::compress::unpack;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use bytes::Bytes;
use sqlx::{Row, SqliteConnection};

/// An answer to keep.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// Job ID.
    pub job: JobId,
    /// Attempt that was polled.
    pub attempt: AttemptId,
    /// The answer, compressed by [`crate::store::compress::pack`].
    pub raw: Bytes,
    /// Why it could not be used.
    pub reason: String,
    /// Time of the answer.
    pub received_at: Timestamp,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The answer, byte for byte.
    pub body: Vec<u8>,
    /// Generation that was polled.
    pub generation: Option<GenerationId>,
    /// Why it could not be used.
    pub reason: String,
    /// Time of the answer.
    pub received_at: Timestamp,
}

impl Store {
    /// Keeps an answer of a pending job, in place of an earlier one of that job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keep_answer(&self, answer: KeptAnswer) -> Result<(), StoreError> {
        self.writer().write(answer).await
    }

    /// Returns the answer that was kept for a job. `None` if there is none.
    ///
    /// # Errors
    /// If the database fails, or the stored bytes are damaged.
    pub async fn kept_answer(&self, job: JobId) -> Result<Option<StoredAnswer>, StoreError> {
        let found = sqlx::query(
            "SELECT u.raw, u.reason, u.received_at, a.generation_id
             FROM unusable_answers u JOIN attempts a ON a.id = u.attempt_id WHERE u.job_id = ?1",
        )
        .bind(job.0)
        .fetch_optional(self.readers())
        .await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(StoredAnswer {
            body: unpack(found.try_get("raw")?)
                .map_err(|_| StoreError::Content { column: "raw" })?,
            generation: row::generation(&found)?,
            reason: found.try_get("reason")?,
            received_at: row::time(&found, "received_at")?,
        }))
    }
}

impl Change for KeptAnswer {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO unusable_answers (job_id, attempt_id, raw, reason, received_at)
             SELECT id, ?2, ?3, ?4, ?5 FROM jobs WHERE id = ?1 AND state = 'pending'",
        )
        .bind(self.job.0)
        .bind(self.attempt.0)
        .bind(&*self.raw)
        .bind(&self.reason)
        .bind(self.received_at.millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}
