//! Billing: submissions, and results shared by duplicates.

use crate::domain::Timestamp;
use crate::policy::budget::longest_s;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::Row;

/// Billing state of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingState {
    /// Billed; the transcript is stored.
    Billed,
    /// Being sent, or pending at the service.
    Pending,
    /// Perhaps billed without a transcript: it was or may have been accepted.
    Uncertain,
    /// Not accepted by the service.
    NotBilled,
    /// Not submitted: it uses the result paid for by a duplicate.
    Shared,
}

/// A submission, or a result shared by a duplicate.
#[derive(Debug, Clone, PartialEq)]
pub struct BillingEntry {
    /// Name of the source.
    pub source: String,
    /// Model.
    pub model: String,
    /// Path relative to the source.
    pub relative: std::path::PathBuf,
    /// Value of `X-Client-Request-Id`; `None` for a shared result.
    pub client_request_id: Option<String>,
    /// Generation ID at the service, if known.
    pub generation_id: Option<String>,
    /// Time of the claim, or of sharing the result.
    pub at: Timestamp,
    /// Billing state.
    pub state: BillingState,
    /// Audio in seconds: as billed, otherwise the duration of the recording, otherwise an upper bound from its size.
    pub audio_s: f64,
    /// Whether `audio_s` is the upper bound.
    pub is_bound: bool,
    /// Amount that the service charged in US dollars, if it said so.
    pub charged_usd: Option<f64>,
}

impl Store {
    /// Returns all submissions and shared results since `since`, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn billing_entries(&self, since: Timestamp) -> Result<Vec<BillingEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.source, j.model, r.relative, a.client_request_id, a.generation_id, a.started_at AS at, a.outcome,
                    coalesce(a.billed_s, r.duration_s, ?2 * r.size_bytes) AS audio_s, a.charged_usd,
                    a.billed_s IS NULL AND r.duration_s IS NULL AS is_bound
             FROM attempts a JOIN jobs j ON j.id = a.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE a.started_at >= ?1
             UNION ALL
             SELECT r.source, j.model, r.relative, NULL, NULL, s.received_at, 'shared', coalesce(s.duration_s, r.duration_s, 0.0), NULL, 0
             FROM results s JOIN jobs j ON j.id = s.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE s.paid_by IS NOT NULL AND s.received_at >= ?1
             ORDER BY at",
        )
        .bind(since.millis())
        .bind(longest_s(1))
        .fetch(self.readers());
        let entries = rows.map(|found| {
            let found = found?;
            Ok(BillingEntry {
                source: found.try_get("source")?,
                model: found.try_get("model")?,
                relative: row::path(&found, "relative")?,
                client_request_id: found.try_get("client_request_id")?,
                generation_id: found.try_get("generation_id")?,
                at: row::time(&found, "at")?,
                state: charge(found.try_get("outcome")?)?,
                audio_s: found.try_get("audio_s")?,
                is_bound: row::is_set(&found, "is_bound")?,
                charged_usd: found.try_get("charged_usd")?,
            })
        });
        entries.try_collect().await
    }
}

fn charge(outcome: &str) -> Result<BillingState, StoreError> {
    Ok(match outcome {
        "completed" => BillingState::Billed,
        "sending" | "accepted" => BillingState::Pending,
        "uncertain" | "lost" | "cancelled" => BillingState::Uncertain,
        "refused" | "deferred" => BillingState::NotBilled,
        "shared" => BillingState::Shared,
        _ => return Err(StoreError::Content { column: "outcome" }),
    })
}
