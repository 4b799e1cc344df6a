//! Figures by which transcripts are judged.

use crate::domain::Timestamp;
use crate::domain::quality::Quality;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Figures of a transcript, with what they are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptQuality {
    /// Name of the source.
    pub source: String,
    /// Model.
    pub model: String,
    /// Time at which the result was received.
    pub received_at: Timestamp,
    /// Figures.
    pub quality: Quality,
}

impl Store {
    /// Returns the figures of all transcripts received since `since`. Those stored by earlier versions have none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn qualities(&self, since: Timestamp) -> Result<Vec<TranscriptQuality>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.source, j.model, s.received_at, s.quality
             FROM results s JOIN jobs j ON j.id = s.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE s.quality IS NOT NULL AND s.received_at >= ?1",
        )
        .bind(since.millis())
        .fetch(self.readers());
        let found = rows.map(|found| {
            let found = found?;
            Ok(TranscriptQuality {
                source: found.try_get("source")?,
                model: found.try_get("model")?,
                received_at: row::time(&found, "received_at")?,
                quality: quality(&found)?.unwrap_or_default(),
            })
        });
        found.try_collect().await
    }
}

/// Reads the column `quality`.
pub(crate) fn quality(found: &SqliteRow) -> Result<Option<Quality>, StoreError> {
    let Some(text) = found.try_get::<Option<&str>, _>("quality")? else {
        return Ok(None);
    };
    let quality = serde_json::from_str(text);
    quality
        .map(Some)
        .map_err(|_| StoreError::Content { column: "quality" })
}

/// Returns the stored form of figures.
pub(crate) fn stored(quality: &Quality) -> Result<String, StoreError> {
    let text = serde_json::to_string(quality);
    text.map_err(|_| StoreError::Content { column: "quality" })
}
