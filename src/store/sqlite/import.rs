//! Import of results from transcripts on disk.

use crate::domain::quality::Quality;
use crate::domain::{GenerationId, JobId, RecordingIdentity, Request, Timestamp, WrittenFile};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::claims::store_identity;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::outputs::insert_outputs;
use crate::store::sqlite::quality::stored;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::{Change, check_guard};
use bytes::Bytes;
use sqlx::SqliteConnection;
use std::path::PathBuf;

/// A result that was read from a transcript on disk, for a job of equal content.
#[derive(Debug, Clone)]
pub struct Import {
    /// Job ID.
    pub job: JobId,
    /// Model and options with which the result was made.
    pub request: Request,
    /// Known hashes and key of the content.
    pub identity: RecordingIdentity,
    /// Generation ID at the service.
    pub generation: Option<GenerationId>,
    /// Time of the acceptance.
    pub accepted_at: Option<Timestamp>,
    /// Time at which the result was received.
    pub received_at: Timestamp,
    /// JSON of the service, compressed by [`crate::store::compress::pack`].
    pub raw: Bytes,
    /// Billed duration of the audio in seconds.
    pub duration_s: Option<f64>,
    /// Number of words with times.
    pub words: u64,
    /// Detected language.
    pub language: Option<String>,
    /// Whether the recording contains no speech.
    pub silent: bool,
    /// Figures of the transcript.
    pub quality: Quality,
    /// Files that the job now owns; `None` if its files are still to be written.
    pub files: Option<Vec<WrittenFile>>,
    /// Time of the import.
    pub now: Timestamp,
}

impl Store {
    /// Returns the indices of the paths that no job has written, or owns by an import.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unrecorded(&self, paths: &[PathBuf]) -> Result<Vec<usize>, StoreError> {
        // Hex, because a path need not be UTF-8.
        let paths = paths.iter().map(|path| hex::encode(row::path_bytes(path)));
        let found: String = sqlx::query_scalar(
            "SELECT json_group_array(key) FROM json_each(?1)
             WHERE NOT EXISTS (SELECT 1 FROM outputs WHERE path = unhex(value))",
        )
        .bind(json_rows(paths))
        .fetch_one(self.readers())
        .await?;
        row::parse_rows(&found)
    }

    /// `queued` → `received`, or → `done` if the job owns its files: stores the result.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer queued, or its last submission is uncertain. Otherwise if the
    /// database fails.
    pub async fn import(&self, import: Import) -> Result<(), StoreError> {
        failpoint::around("store.import", self.writer().write(import)).await
    }
}

impl Change for Import {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let state = if self.files.is_some() {
            "done"
        } else {
            "received"
        };
        let imported = sqlx::query(
            "UPDATE jobs SET state = ?2, model = ?3, options = ?4, generation_id = ?5, accepted_at = ?6,
                             due_at = ?7, updated_at = ?7, duplicate_of = NULL, error_class = NULL, error_message = NULL
             WHERE id = ?1 AND state = 'queued' AND uncertain_attempt_id IS NULL",
        )
        .bind(self.job.0)
        .bind(state)
        .bind(self.request.model())
        .bind(self.request.options_json())
        .bind(self.generation.as_ref().map(GenerationId::as_str))
        .bind(self.accepted_at.map(Timestamp::millis))
        .bind(self.now.millis())
        .execute(&mut *connection)
        .await?;
        check_guard(&imported)?;
        store_identity(connection, self.job, &self.identity).await?;
        sqlx::query(
            "INSERT OR REPLACE INTO results
                 (job_id, raw, received_at, duration_s, words, language, silent, quality, imported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)",
        )
        .bind(self.job.0)
        .bind(&*self.raw)
        .bind(self.received_at.millis())
        .bind(self.duration_s)
        .bind(row::to_integer(self.words))
        .bind(&self.language)
        .bind(i64::from(self.silent))
        .bind(stored(&self.quality)?)
        .execute(&mut *connection)
        .await?;
        let files = self.files.as_deref().unwrap_or_default();
        insert_outputs(connection, self.job, files, self.now).await
    }
}
