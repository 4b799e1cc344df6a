//! What was submitted, billed and saved, attempt by attempt.

use super::error::StoreError;
use super::open::Store;
use super::row;
use crate::domain::Timestamp;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::Row;

/// What became of a submission, as far as money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Its transcript is here.
    Billed,
    /// It is at the service.
    Pending,
    /// It was or may have been accepted, and its transcript is not here: it may have been paid for nothing.
    Doubtful,
    /// The service did not take it.
    Free,
    /// It took the result that an equal recording was paid for.
    Shared,
}

/// A submission, or a result that was taken from another one's.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The name of the recording's source.
    pub source: String,
    /// The model.
    pub model: String,
    /// The path in the source.
    pub relative: std::path::PathBuf,
    /// What the request carried as `X-Client-Request-Id`; nothing for a shared result.
    pub client_request_id: Option<String>,
    /// When it was claimed, or taken.
    pub at: Timestamp,
    /// What became of it.
    pub charge: Charge,
    /// Audio in seconds: as billed, else as long as the recording is.
    pub audio_s: f64,
}

impl Store {
    /// Every submission and every shared result since a time, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn bill(&self, since: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.source, j.model, r.relative, a.client_request_id, a.started_at AS at, a.outcome,
                    coalesce(a.billed_s, r.duration_s, 0.0) AS audio_s
             FROM attempts a JOIN jobs j ON j.id = a.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE a.started_at >= ?1
             UNION ALL
             SELECT r.source, j.model, r.relative, NULL, s.received_at, 'shared', coalesce(s.duration_s, r.duration_s, 0.0)
             FROM results s JOIN jobs j ON j.id = s.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE s.paid_by IS NOT NULL AND s.received_at >= ?1
             ORDER BY at",
        )
        .bind(since.millis())
        .fetch(self.readers());
        let entries = rows.map(|found| {
            let found = found?;
            Ok(Entry {
                source: found.try_get("source")?,
                model: found.try_get("model")?,
                relative: row::path(&found, "relative")?,
                client_request_id: found.try_get("client_request_id")?,
                at: row::time(&found, "at")?,
                charge: charge(found.try_get("outcome")?)?,
                audio_s: found.try_get("audio_s")?,
            })
        });
        entries.try_collect().await
    }
}

fn charge(outcome: &str) -> Result<Charge, StoreError> {
    Ok(match outcome {
        "completed" => Charge::Billed,
        "sending" | "accepted" => Charge::Pending,
        "uncertain" | "lost" | "cancelled" => Charge::Doubtful,
        "refused" | "deferred" => Charge::Free,
        "shared" => Charge::Shared,
        _ => return Err(StoreError::Content { column: "outcome" }),
    })
}
