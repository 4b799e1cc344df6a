//! Hooks: programs run for each transcript.
//!
//! The commit that marks a job as done also queues its hook, which then waits until it has ended.

use crate::domain::Location;
use crate::domain::{JobId, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::path::PathBuf;

/// A hook that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingHook {
    /// Row ID, increasing with each hook.
    pub id: i64,
    /// Job that is done.
    pub job: JobId,
    /// Name of the source.
    pub source: String,
    /// Location of the audio.
    pub location: Location,
    /// Output files of the job.
    pub outputs: Vec<PathBuf>,
}

/// A hook, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRun {
    /// Time its job was done.
    pub created_at: Timestamp,
    /// Time it ended; `None` while it waits or runs.
    pub ended_at: Option<Timestamp>,
    /// Exit status, if it exited.
    pub exit_status: Option<i32>,
    /// Error, if any.
    pub error: Option<String>,
}

impl Store {
    /// Returns the first hooks after row `after` that have not ended, at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn waiting_hooks(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<WaitingHook>, StoreError> {
        let rows = sqlx::query(
            "SELECT h.id, h.job_id, r.source, r.kind, r.location
             FROM hooks h JOIN jobs j ON j.id = h.job_id JOIN recordings r ON r.id = j.recording_id
             WHERE h.ended_at IS NULL AND h.id > ?1 ORDER BY h.id LIMIT ?2",
        )
        .bind(after)
        .bind(row::to_integer(limit as u64))
        .fetch_all(self.readers())
        .await?;
        let mut waiting = rows.iter().map(hook).collect::<Result<Vec<_>, _>>()?;
        for hook in &mut waiting {
            hook.outputs = self.outputs(hook.job).await?;
        }
        Ok(waiting)
    }

    /// Records the end of a hook, with its exit status or an error.
    ///
    /// After a crash before this commit, the hook runs again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn finish_hook(
        &self,
        id: i64,
        status: Option<i32>,
        error: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ended = HookEnded {
            id,
            status,
            error,
            now,
        };
        failpoint::around("store.hook_ended", self.writer().write(ended)).await
    }

    /// Returns the hook of a job; `None` if it has none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hook_run(&self, job: JobId) -> Result<Option<HookRun>, StoreError> {
        let found = sqlx::query(
            "SELECT created_at, ended_at, exit_status, error FROM hooks WHERE job_id = ?1",
        )
        .bind(job.0)
        .fetch_optional(self.readers())
        .await?;
        found
            .map(|found| {
                Ok(HookRun {
                    created_at: row::time(&found, "created_at")?,
                    ended_at: row::time_or_none(&found, "ended_at")?,
                    exit_status: found.try_get("exit_status")?,
                    error: found.try_get("error")?,
                })
            })
            .transpose()
    }
}

fn hook(found: &SqliteRow) -> Result<WaitingHook, StoreError> {
    Ok(WaitingHook {
        id: found.try_get("id")?,
        job: JobId(found.try_get("job_id")?),
        source: found.try_get("source")?,
        location: row::location(found)?,
        outputs: Vec::new(),
    })
}

struct HookEnded {
    id: i64,
    status: Option<i32>,
    error: Option<String>,
    now: Timestamp,
}

impl Change for HookEnded {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("UPDATE hooks SET ended_at = ?2, exit_status = ?3, error = ?4 WHERE id = ?1")
            .bind(self.id)
            .bind(self.now.millis())
            .bind(self.status)
            .bind(&self.error)
            .execute(connection)
            .await?;
        Ok(())
    }
}
