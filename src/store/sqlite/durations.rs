//! Durations of queued recordings.

use crate::domain::{Location, RecordingId, Revision};
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
    /// Whether the duration is an estimate.
    pub is_estimate: bool,
}

/// A queued file of unknown duration.
#[derive(Debug, Clone, PartialEq)]
pub struct UnprobedFile {
    /// Recording ID.
    pub recording: RecordingId,
    /// Absolute path.
    pub path: PathBuf,
    /// Size and modification time, as of the last scan.
    pub revision: Revision,
    /// Readers that could not tell its length.
    pub unknown_to: Option<String>,
    /// Whether the file is submitted although it is truncated.
    pub as_is: bool,
}

impl UnprobedFile {
    /// Returns the file with its length.
    #[must_use]
    pub const fn found(&self, length: FoundLength) -> ProbedFile {
        ProbedFile {
            recording: self.recording,
            revision: self.revision,
            length,
        }
    }
}

/// Length of a recording that was probed.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundLength {
    /// Seconds.
    Exact(f64),
    /// Seconds, extrapolated from parts of the file.
    Estimated(f64),
    /// These readers could not tell it. They need not try again while the file is unchanged.
    UnknownTo(String),
}

impl FoundLength {
    /// Returns the seconds, whether exact or estimated.
    #[must_use]
    pub const fn seconds(&self) -> Option<f64> {
        match self {
            Self::Exact(seconds) | Self::Estimated(seconds) => Some(*seconds),
            Self::UnknownTo(_) => None,
        }
    }

    fn unknown_to(&self) -> Option<&str> {
        match self {
            Self::UnknownTo(readers) => Some(readers),
            Self::Exact(_) | Self::Estimated(_) => None,
        }
    }
}

/// A file whose length was probed.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedFile {
    /// Recording ID.
    pub recording: RecordingId,
    /// Revision that was probed.
    pub revision: Revision,
    /// Length.
    pub length: FoundLength,
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
            "SELECT r.id, r.kind, r.location, r.size_bytes, r.modified_at, r.length_unknown_to,
                    EXISTS (SELECT 1 FROM jobs j WHERE j.recording_id = r.id AND j.state = 'queued' AND j.as_is = 1) AS as_is
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
                    revision: row::revision(found)?,
                    unknown_to: found.try_get("length_unknown_to")?,
                    as_is: row::is_set(found, "as_is")?,
                });
            }
        }
        Ok(files)
    }

    /// Stores lengths. One is dropped if its file has changed since.
    ///
    /// # Errors
    /// If the database fails; none is stored then.
    pub async fn store_lengths(&self, probed: Vec<ProbedFile>) -> Result<(), StoreError> {
        self.writer().write(StoreLengths { probed }).await
    }

    /// Returns all queued recordings in the order of their submission, for a plan.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn planned_recordings(&self) -> Result<Vec<PlannedRecording>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.source, r.kind, j.model, r.size_bytes, r.duration_s, r.length_is_estimate
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
                is_estimate: row::is_set(&found, "length_is_estimate")?,
            })
        });
        planned.try_collect().await
    }
}

struct StoreLengths {
    probed: Vec<ProbedFile>,
}

impl Change for StoreLengths {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let probed = self.probed.iter().map(|one| {
            let (size, modified) = (one.revision.size_bytes, one.revision.modified.millis());
            let is_estimate = u8::from(matches!(one.length, FoundLength::Estimated(_)));
            let (seconds, unknown_to) = (one.length.seconds(), one.length.unknown_to());
            (
                one.recording,
                size,
                modified,
                seconds,
                is_estimate,
                unknown_to,
            )
        });
        sqlx::query(
            "UPDATE recordings SET duration_s = one.value ->> 3, length_is_estimate = one.value ->> 4,
                                   length_unknown_to = one.value ->> 5
             FROM jsonb_each(?1) one
             WHERE recordings.id = one.value ->> 0 AND recordings.size_bytes = one.value ->> 1
               AND recordings.modified_at = one.value ->> 2",
        )
        .bind(json_rows(probed))
        .execute(connection)
        .await?;
        Ok(())
    }
}
