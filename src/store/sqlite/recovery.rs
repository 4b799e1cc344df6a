//! Start and end of a run, and recovery after a crash.
//!
//! The lock on the state folder proves that earlier runs are dead, so their claims can be taken over
//! immediately.

use crate::domain::{ErrorClass, RunId, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::budget::end_budget_waits;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::writer::Change;
use sqlx::SqliteConnection;

/// Work left behind by earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Number of uncertain submissions, to be looked up.
    pub uncertain: u64,
    /// Number of pending jobs, to be polled.
    pub pending: u64,
    /// Number of results whose files are to be written.
    pub received: u64,
}

impl Store {
    /// Starts a run of process `pid` and recovers the work of earlier runs, in one commit.
    ///
    /// Each `submitting` job is queued; its attempt becomes `uncertain` and is looked up. Jobs that waited for the budget
    /// are candidates again.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn begin_run(
        &self,
        pid: u32,
        now: Timestamp,
    ) -> Result<(RunId, Recovered), StoreError> {
        failpoint::around(
            "store.begin_run",
            self.writer().write(BeginRun { pid, now }),
        )
        .await
    }

    /// Records the orderly end of a run.
    ///
    /// # Errors
    /// If the database fails; the next start ends the run then.
    pub async fn end_run(&self, run: RunId, now: Timestamp) -> Result<(), StoreError> {
        failpoint::around("store.end_run", self.writer().write(EndRun { run, now })).await
    }
}

struct BeginRun {
    pid: u32,
    now: Timestamp,
}

/// Error message of a submission that a crash interrupted.
const INTERRUPTED: &str =
    "the last run ended while this was being sent; it may have been accepted and paid";

impl Change for BeginRun {
    type Reply = (RunId, Recovered);

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(RunId, Recovered), StoreError> {
        sqlx::query("UPDATE runs SET ended_at = ?1 WHERE ended_at IS NULL")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        let run =
            sqlx::query_scalar("INSERT INTO runs (pid, started_at) VALUES (?1, ?2) RETURNING id")
                .bind(self.pid)
                .bind(self.now.millis())
                .fetch_one(&mut *connection)
                .await
                .map(RunId)?;
        let uncertain = self.mark_attempts_uncertain(connection).await?;
        self.requeue_uncertain(connection).await?;
        // They keep the run that submitted them: to write a hundred thousand rows would delay their polls.
        let pending: i64 =
            sqlx::query_scalar("SELECT jobs FROM job_counts WHERE state = 'pending'")
                .fetch_one(&mut *connection)
                .await?;
        sqlx::query("UPDATE jobs SET due_at = ?1 WHERE state = 'received' AND due_at > ?1")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        end_budget_waits(&mut *connection).await?;
        let received: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'received'")
                .fetch_one(connection)
                .await?;
        Ok((
            run,
            Recovered {
                uncertain,
                pending: pending.unsigned_abs(),
                received: received.unsigned_abs(),
            },
        ))
    }
}

impl BeginRun {
    async fn mark_attempts_uncertain(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<u64, StoreError> {
        let marked = sqlx::query(
            "UPDATE attempts SET outcome = 'uncertain', ended_at = ?1, error_class = ?2, error_message = ?3
             WHERE outcome = 'sending' AND job_id IN (SELECT id FROM jobs WHERE state = 'submitting')",
        )
        .bind(self.now.millis())
        .bind(ErrorClass::Network.as_str())
        .bind(INTERRUPTED)
        .execute(connection)
        .await?;
        Ok(marked.rows_affected())
    }

    async fn requeue_uncertain(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET state = 'queued', run_id = NULL, due_at = ?1, error_class = ?2, error_message = ?3,
                             uncertain_attempt_id = (SELECT max(id) FROM attempts WHERE job_id = jobs.id),
                             lookups = 0, updated_at = ?1
             WHERE state = 'submitting'",
        )
        .bind(self.now.millis())
        .bind(ErrorClass::Network.as_str())
        .bind(INTERRUPTED)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct EndRun {
    run: RunId,
    now: Timestamp,
}

impl Change for EndRun {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("UPDATE runs SET ended_at = ?2 WHERE id = ?1")
            .bind(self.run.0)
            .bind(self.now.millis())
            .execute(connection)
            .await?;
        Ok(())
    }
}
