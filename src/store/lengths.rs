//! The lengths of what is queued, and what is queued by its length.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Location;
use super::row;
use super::together::rows;
use super::writer::Change;
use crate::domain::{RecordingId, Timestamp};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::{Row, SqliteConnection};
use std::path::PathBuf;

/// A queued recording, as a plan sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The recording.
    pub recording: RecordingId,
    /// Its source's name.
    pub source: String,
    /// The model asked for.
    pub model: String,
    /// Size when it was recorded, in bytes.
    pub size_bytes: u64,
    /// Length of the audio in seconds, where it is known.
    pub duration_s: Option<f64>,
}

/// A queued file whose length is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Unmeasured {
    /// The recording.
    pub recording: RecordingId,
    /// Where it is.
    pub path: PathBuf,
    /// Size when it was recorded, in bytes.
    pub size_bytes: u64,
    /// Time of its last change when it was recorded.
    pub modified: Timestamp,
}

/// A length that was found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What it was when it was looked at.
    pub file: Unmeasured,
    /// Length of the audio in seconds.
    pub duration_s: f64,
}

impl Store {
    /// Queued files whose length is not known, after a recording, in their order; at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unmeasured(
        &self,
        after: RecordingId,
        limit: usize,
    ) -> Result<Vec<Unmeasured>, StoreError> {
        let found = sqlx::query(
            "SELECT r.id, r.kind, r.location, r.size_bytes, r.modified_at
             FROM recordings r
             WHERE r.id > ?1 AND r.kind = 'file' AND r.duration_s IS NULL
               AND EXISTS (SELECT 1 FROM jobs j WHERE j.recording_id = r.id AND j.state = 'queued')
             ORDER BY r.id LIMIT ?2",
        )
        .bind(after.0)
        .bind(row::size(limit as u64))
        .fetch_all(self.readers())
        .await?;
        let mut files = Vec::with_capacity(found.len());
        for found in &found {
            if let Location::File(path) = Location::read(found)? {
                files.push(Unmeasured {
                    recording: RecordingId(found.try_get("id")?),
                    path,
                    size_bytes: row::count(found, "size_bytes")?,
                    modified: row::time(found, "modified_at")?,
                });
            }
        }
        Ok(files)
    }

    /// Keeps lengths, each only if its file was not recorded anew meanwhile.
    ///
    /// # Errors
    /// If the database fails; none of them is kept then.
    pub async fn measured(&self, measured: Vec<Measured>) -> Result<(), StoreError> {
        self.writer().write(KeepLengths { measured }).await
    }

    /// Everything that is queued, for a plan.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn planned(&self) -> Result<Vec<Planned>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.source, j.model, r.size_bytes, r.duration_s
             FROM jobs j JOIN recordings r ON r.id = j.recording_id WHERE j.state = 'queued' ORDER BY j.id",
        )
        .fetch(self.readers());
        let planned = rows.map(|found| {
            let found = found?;
            Ok(Planned {
                recording: RecordingId(found.try_get("id")?),
                source: found.try_get("source")?,
                model: found.try_get("model")?,
                size_bytes: row::count(&found, "size_bytes")?,
                duration_s: found.try_get("duration_s")?,
            })
        });
        planned.try_collect().await
    }
}

struct KeepLengths {
    measured: Vec<Measured>,
}

impl Change for KeepLengths {
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
        .bind(rows(measured))
        .execute(connection)
        .await?;
        Ok(())
    }
}
