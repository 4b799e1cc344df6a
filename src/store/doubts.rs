//! Submissions whose answer was lost: the job is queued, but first the service is asked what became of them.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Location;
use super::row;
use super::writer::{Change, guarded};
use crate::crash;
use crate::domain::{AttemptId, Failure, GenerationId, JobId, RunId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::path::PathBuf;

/// A submission that the service may have accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// The job.
    pub job: JobId,
    /// The attempt whose answer was lost.
    pub attempt: AttemptId,
    /// What it carried as `X-Client-Request-Id`.
    pub client_request_id: String,
    /// When it was claimed, which is before it left.
    pub started_at: Timestamp,
    /// Looks in vain so far.
    pub looks: u32,
    /// Attempts spent, with this one.
    pub attempts: u32,
    /// The model asked for.
    pub model: String,
    /// Length of the audio in seconds, where it is known.
    pub duration_s: Option<f64>,
    /// Where the audio is.
    pub location: Location,
    /// Size when it was recorded, in bytes.
    pub size_bytes: u64,
    /// Time of its last change when it was recorded.
    pub modified: Timestamp,
    /// Path in the source.
    pub relative: PathBuf,
}

/// What a look has found: the service had accepted it.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The job.
    pub job: JobId,
    /// The attempt whose answer was lost.
    pub attempt: AttemptId,
    /// The run that polls it.
    pub run: RunId,
    /// What the service calls it.
    pub generation: GenerationId,
    /// Of the audio that was sent, where the file is still the same.
    pub sha256: Option<String>,
    /// When the service accepted it.
    pub accepted_at: Timestamp,
    /// When the service forgets it.
    pub expires_at: Timestamp,
    /// When it was found.
    pub now: Timestamp,
}

impl Store {
    /// The doubts that are due for a look, oldest submission first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn doubts(&self, now: Timestamp) -> Result<Vec<Doubt>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.doubt, a.client_request_id, a.started_at, j.looks, j.attempts, j.model, r.duration_s,
                    r.kind, r.location, r.size_bytes, r.modified_at, r.relative
             FROM jobs j JOIN attempts a ON a.id = j.doubt JOIN recordings r ON r.id = j.recording_id
             WHERE j.doubt IS NOT NULL AND j.due_at <= ?1 ORDER BY a.started_at",
        )
        .bind(now.millis())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(doubt).collect()
    }

    /// When the next look is due; `None` if nothing is in doubt.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_look(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due_at) FROM jobs WHERE doubt IS NOT NULL")
                .fetch_one(self.readers())
                .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// queued, in doubt → pending: the lost answer was found.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer in doubt of that attempt.
    pub async fn adopt(&self, adoption: Adoption) -> Result<(), StoreError> {
        crash::around("store.adopt", self.writer().write(adoption)).await
    }

    /// The look was in vain; the next is due at `due`. One that could not be taken at all is not `counted`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer in doubt.
    pub async fn look_again(
        &self,
        job: JobId,
        due: Timestamp,
        counted: bool,
    ) -> Result<(), StoreError> {
        crash::around(
            "store.look_again",
            self.writer().write(LookAgain { job, due, counted }),
        )
        .await
    }

    /// The service does not list it: the doubt ends. An attempt that `was_refused` was certainly never accepted; any
    /// other stays as uncertain. The job is submitted again from `due` on, or fails.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer in doubt.
    pub async fn give_up_doubt(
        &self,
        job: JobId,
        was_refused: bool,
        outcome: Result<Timestamp, Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let given_up = GiveUp {
            job,
            was_refused,
            outcome,
            now,
        };
        crash::around("store.give_up_doubt", self.writer().write(given_up)).await
    }

    /// When the latest of these submissions was begun, by their client request IDs; those of others are passed over.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn latest_begun(&self, requests: &[String]) -> Result<Option<Timestamp>, StoreError> {
        let requests = serde_json::Value::from(requests).to_string();
        let latest: Option<i64> = sqlx::query_scalar(
            "SELECT max(started_at) FROM attempts WHERE client_request_id IN (SELECT value FROM json_each(?1))",
        )
        .bind(requests)
        .fetch_one(self.readers())
        .await?;
        Ok(latest.map(Timestamp::from_millis))
    }
}

fn doubt(found: &SqliteRow) -> Result<Doubt, StoreError> {
    let small = |column: &'static str| {
        u32::try_from(found.try_get::<i64, _>(column)?).map_err(|_| StoreError::Content { column })
    };
    Ok(Doubt {
        job: JobId(found.try_get("id")?),
        attempt: AttemptId(found.try_get("doubt")?),
        client_request_id: found.try_get("client_request_id")?,
        started_at: row::time(found, "started_at")?,
        looks: small("looks")?,
        attempts: small("attempts")?,
        model: found.try_get("model")?,
        duration_s: found.try_get("duration_s")?,
        location: Location::read(found)?,
        size_bytes: row::count(found, "size_bytes")?,
        modified: row::time(found, "modified_at")?,
        relative: row::path(found, "relative")?,
    })
}

impl Change for Adoption {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let adopted = sqlx::query(
            "UPDATE jobs SET state = 'pending', doubt = NULL, looks = 0, owner = ?3, generation_id = ?4,
                             accepted_at = ?5, expires_at = ?6, error_class = NULL, error_message = NULL,
                             sha256 = coalesce(?8, sha256), updated_at = ?7
             WHERE id = ?1 AND state = 'queued' AND doubt = ?2",
        )
        .bind(self.job.0)
        .bind(self.attempt.0)
        .bind(self.run.0)
        .bind(self.generation.as_str())
        .bind(self.accepted_at.millis())
        .bind(self.expires_at.millis())
        .bind(self.now.millis())
        .bind(&self.sha256)
        .execute(&mut *connection)
        .await?;
        guarded(&adopted)?;
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

struct LookAgain {
    job: JobId,
    due: Timestamp,
    counted: bool,
}

impl Change for LookAgain {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "UPDATE jobs SET due_at = ?2, looks = looks + ?3 WHERE id = ?1 AND doubt IS NOT NULL",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(i64::from(self.counted))
        .execute(connection)
        .await?;
        guarded(&noted)
    }
}

struct GiveUp {
    job: JobId,
    was_refused: bool,
    outcome: Result<Timestamp, Failure>,
    now: Timestamp,
}

impl Change for GiveUp {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.was_refused {
            sqlx::query("UPDATE attempts SET outcome = 'deferred' WHERE id = (SELECT doubt FROM jobs WHERE id = ?1)")
                .bind(self.job.0)
                .execute(&mut *connection)
                .await?;
        }
        let (state, due) = match &self.outcome {
            Ok(due) => ("queued", *due),
            Err(_) => ("failed", self.now),
        };
        let failure = self.outcome.as_ref().err();
        let given_up = sqlx::query(
            "UPDATE jobs SET state = ?2, doubt = NULL, looks = 0, due_at = ?3, updated_at = ?4,
                             error_class = coalesce(?5, error_class), error_message = coalesce(?6, error_message)
             WHERE id = ?1 AND doubt IS NOT NULL",
        )
        .bind(self.job.0)
        .bind(state)
        .bind(due.millis())
        .bind(self.now.millis())
        .bind(failure.map(|failure| failure.class.as_str()))
        .bind(failure.map(|failure| failure.message.as_str()))
        .execute(connection)
        .await?;
        guarded(&given_up)
    }
}
