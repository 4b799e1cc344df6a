//! Durations of queued recordings.

use crate::domain::Location;
use crate::domain::{RecordingId, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::{Row, SqliteConnection};
use std::path::PathBuf;

/// A queued recording, for a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRecording {
    /// Recording ID.
    pub recording: RecordingId,
    /// Name of the source.
    pub source: String,
    /// Model.
    pub model: String,
    /// Whether the recording is a file, not a URL.
    pub is_file: bool,
    /// Size of the file in bytes, as of the last scan. 0 for a URL.
    pub size_bytes: u64,
    /// Duration of the audio in seconds, if known.
    pub duration_s: Option<f64>,
}

/// A queued file of unknown duration.
#[derive(Debug, Clone, PartialEq)]
pub struct UnprobedFile {
    /// Recording ID.
    pub recording: RecordingId,
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes, as of the last scan.
    pub size_bytes: u64,
    /// Modification time, as of the last scan.
    pub modified: Timestamp,
}

/// A probed duration.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedDuration {
    /// File, as of the scan before it was probed.
    pub file: UnprobedFile,
    /// Duration of the audio in seconds.
    pub duration_s: f64,
}

impl Store {
    /// Returns queued files of unknown duration with an ID after `after`, by ID, at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unprobed_files(
        &self,
        after: RecordingId,
        limit: usize,
    ) -> Result<Vec<UnprobedFile>, StoreError> {
        let found = sqlx::query(
            "SELECT r.id, r.kind, r.location, r.size_bytes, r.modified_at
             FROM recordings r
             WHERE r.id > ?1 AND r.kind = 'file' AND r.duration_s IS NULL
               AND EXISTS (SELECT 1 FROM jobs j WHERE j.recording_id = r.id AND j.state = 'queued')
             ORDER BY r.id LIMIT ?2",
        )
        .bind(after.0)
        .bind(row::to_integer(limit as u64))
        .fetch_all(self.readers())
        .await?;
        let mut files = Vec::with_capacity(found.len());
        for found in &found {
            if let Location::File(path) = row::location(found)? {
                files.push(UnprobedFile {
                    recording: RecordingId(found.try_get("id")?),
                    path,
                    size_bytes: row::count(found, "size_bytes")?,
                    modified: row::time(found, "modified_at")?,
                });
            }
        }
        Ok(files)
    }

    /// Stores durations. A duration is dropped if its file has changed since.
    ///
    /// # Errors
    /// If the database fails; none is stored then.
    pub async fn store_durations(&self, measured: Vec<ProbedDuration>) -> Result<(), StoreError> {
        self.writer().write(StoreDurations { measured }).await
    }

    /// Returns all queued recordings in the order of their submission, for a plan.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn planned_recordings(&self) -> Result<Vec<PlannedRecording>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.source, r.kind, j.model, r.size_bytes, r.duration_s
             FROM jobs j JOIN recordings r ON r.id = j.recording_id WHERE j.state = 'queued'
             ORDER BY j.priority DESC, j.due_at, j.id",
        )
        .fetch(self.readers());
        let planned = rows.map(|found| {
            let found = found?;
            Ok(PlannedRecording {
                recording: RecordingId(found.try_get("id")?),
                source: found.try_get("source")?,
                model: found.try_get("model")?,
                is_file: found.try_get::<&str, _>("kind")? == "file",
                size_bytes: row::count(&found, "size_bytes")?,
                duration_s: found.try_get("duration_s")?,
            })
        });
        planned.try_collect().await
    }
}

struct StoreDurations {
    measured: Vec<ProbedDuration>,
}

impl Change for StoreDurations {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let measured = self.measured.iter().map(|one| {
            let (size, modified) = (one.file.size_bytes, one.file.modified.millis());
            (one.file.recording, one.duration_s, size, modified)
        });
        sqlx::query(
            "UPDATE recordings SET duration_s = one.value ->> 1 FROM jsonb_each(?1) one
             WHERE recordings.id = one.value ->> 0 AND recordings.size_bytes = one.value ->> 2
               AND recordings.modified_at = one.value ->> 3",
        )
        .bind(json_rows(measured))
        .execute(connection)
        .await?;
        Ok(())
    }
}
