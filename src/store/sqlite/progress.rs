//! Progress of a run, for the forecast of the time left. Each query reads at most a few thousand rows.

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A recording that is not done, or was accepted, as far as the queue knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredRecording {
    /// Size in bytes. 0 for a URL.
    pub size_bytes: u64,
    /// Length in seconds, if known.
    pub duration_s: Option<f64>,
    /// Time of the claim, or of the acceptance of a pending one. `None` while it is queued.
    pub since: Option<Timestamp>,
}

/// An accepted submission.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcceptedSubmission {
    /// Its recording.
    pub recording: MeasuredRecording,
    /// Time of the claim.
    pub started_at: Timestamp,
    /// Time of the acceptance.
    pub accepted_at: Timestamp,
    /// Time of the result, if there is one.
    pub result_at: Option<Timestamp>,
}

/// Work that is left.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkLeft {
    /// Queued recordings in their order. Those that wait for the budget are left out.
    pub queued: Vec<MeasuredRecording>,
    /// Recordings being sent.
    pub sending: Vec<MeasuredRecording>,
    /// Recordings at the service.
    pub pending: Vec<MeasuredRecording>,
}

impl Store {
    /// Returns the work that is left, with at most `limit` recordings of each kind.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn work_left(&self, limit: usize) -> Result<WorkLeft, StoreError> {
        let limit = row::to_integer(limit as u64);
        let queued = sqlx::query(
            "SELECT r.size_bytes, r.duration_s, NULL AS since
             FROM jobs j INDEXED BY jobs_queued JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.error_class IS NOT 'budget'
             ORDER BY j.priority DESC, j.due_at, j.id LIMIT ?1",
        );
        let sending = sqlx::query(
            "SELECT r.size_bytes, r.duration_s, j.updated_at AS since
             FROM jobs j JOIN recordings r ON r.id = j.recording_id WHERE j.state = 'submitting' LIMIT ?1",
        );
        let pending = sqlx::query(
            "SELECT r.size_bytes, r.duration_s, j.accepted_at AS since
             FROM jobs j INDEXED BY jobs_pending JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'pending' ORDER BY j.expires_at DESC LIMIT ?1",
        );
        let mut found = Vec::new();
        for query in [queued, sending, pending] {
            let rows = query.bind(limit).fetch_all(self.readers()).await?;
            let measured: Result<Vec<_>, _> = rows.iter().map(measured).collect();
            found.push(measured?);
        }
        let mut found = found.into_iter();
        let mut next = || found.next().unwrap_or_default();
        Ok(WorkLeft {
            queued: next(),
            sending: next(),
            pending: next(),
        })
    }

    /// Returns the latest accepted submissions, newest first, at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn accepted_submissions(
        &self,
        limit: usize,
    ) -> Result<Vec<AcceptedSubmission>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.size_bytes, r.duration_s, NULL AS since, a.started_at, j.accepted_at,
                    CASE a.outcome WHEN 'completed' THEN a.ended_at END AS result_at
             FROM attempts a CROSS JOIN jobs j ON j.id = a.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE a.outcome IN ('accepted', 'completed') AND j.accepted_at >= a.started_at
               AND a.id > (SELECT max(id) - 10000 FROM attempts)
             ORDER BY a.id DESC LIMIT ?1",
        )
        .bind(row::to_integer(limit as u64))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AcceptedSubmission {
                    recording: measured(row)?,
                    started_at: row::time(row, "started_at")?,
                    accepted_at: row::time(row, "accepted_at")?,
                    result_at: row::time_or_none(row, "result_at")?,
                })
            })
            .collect()
    }
}

fn measured(row: &SqliteRow) -> Result<MeasuredRecording, StoreError> {
    Ok(MeasuredRecording {
        size_bytes: row::count(row, "size_bytes")?,
        duration_s: row.try_get("duration_s")?,
        since: row::time_or_none(row, "since")?,
    })
}
