//! Runs, and what a start takes up again. The lock on the state folder proves every earlier run dead, so whatever one
//! of them claimed is free at once.

use super::error::StoreError;
use super::open::Store;
use super::writer::Change;
use crate::crash;
use crate::domain::{ErrorClass, RunId, Timestamp};
use sqlx::SqliteConnection;

/// What an earlier run left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Submissions whose answer is not known: perhaps paid.
    pub uncertain: u64,
    /// Of those, jobs that have spent their last attempt and failed.
    pub failed: u64,
    /// Generations that go on being polled.
    pub pending: u64,
    /// Results whose files are still to be written.
    pub received: u64,
}

impl Store {
    /// Begins a run of process `pid` and takes up what earlier ones left: every `submitting` job is queued again, its
    /// attempt kept as uncertain (it failed if `max_attempts` are spent), every `pending` one is this run's. All of it
    /// is one commit.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn begin_run(
        &self,
        pid: u32,
        max_attempts: u32,
        now: Timestamp,
    ) -> Result<(RunId, Recovered), StoreError> {
        crash::around(
            "store.begin_run",
            self.writer().write(BeginRun {
                pid,
                max_attempts,
                now,
            }),
        )
        .await
    }

    /// The run ended in good order.
    ///
    /// # Errors
    /// If the database fails; the next start ends the run then.
    pub async fn end_run(&self, run: RunId, now: Timestamp) -> Result<(), StoreError> {
        crash::around("store.end_run", self.writer().write(EndRun { run, now })).await
    }
}

struct BeginRun {
    pid: u32,
    max_attempts: u32,
    now: Timestamp,
}

/// What is said of a submission that a crash cut off.
const CUT_OFF: &str =
    "the last run ended while this was being sent; it may have been accepted and paid";

impl Change for BeginRun {
    type Reply = (RunId, Recovered);

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(RunId, Recovered), StoreError> {
        sqlx::query("UPDATE runners SET ended_at = ?1 WHERE ended_at IS NULL")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        let run = sqlx::query_scalar(
            "INSERT INTO runners (pid, started_at) VALUES (?1, ?2) RETURNING id",
        )
        .bind(self.pid)
        .bind(self.now.millis())
        .fetch_one(&mut *connection)
        .await
        .map(RunId)?;
        let uncertain = self.keep_as_uncertain(connection).await?;
        let failed = self
            .settle_cut_off(connection, "failed", "attempts >= ?2")
            .await?;
        self.settle_cut_off(connection, "queued", "attempts < ?2")
            .await?;
        let pending = sqlx::query("UPDATE jobs SET owner = ?1 WHERE state = 'pending'")
            .bind(run.0)
            .execute(&mut *connection)
            .await?
            .rows_affected();
        sqlx::query("UPDATE jobs SET due_at = ?1 WHERE state = 'received' AND due_at > ?1")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        let received: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'received'")
                .fetch_one(connection)
                .await?;
        Ok((
            run,
            Recovered {
                uncertain,
                failed,
                pending,
                received: received.unsigned_abs(),
            },
        ))
    }
}

impl BeginRun {
    async fn keep_as_uncertain(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<u64, StoreError> {
        let kept = sqlx::query(
            "UPDATE attempts SET outcome = 'uncertain', ended_at = ?1, error_class = ?2, error_message = ?3
             WHERE outcome = 'sending' AND job_id IN (SELECT id FROM jobs WHERE state = 'submitting')",
        )
        .bind(self.now.millis())
        .bind(ErrorClass::Network.as_str())
        .bind(CUT_OFF)
        .execute(connection)
        .await?;
        Ok(kept.rows_affected())
    }

    async fn settle_cut_off(
        &self,
        connection: &mut SqliteConnection,
        state: &'static str,
        which: &'static str,
    ) -> Result<u64, StoreError> {
        let settled = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE jobs SET state = '{state}', owner = NULL, due_at = ?1, error_class = ?3, error_message = ?4,
                             updated_at = ?1
             WHERE state = 'submitting' AND {which}"
        )))
        .bind(self.now.millis())
        .bind(self.max_attempts)
        .bind(ErrorClass::Network.as_str())
        .bind(CUT_OFF)
        .execute(connection)
        .await?;
        Ok(settled.rows_affected())
    }
}

struct EndRun {
    run: RunId,
    now: Timestamp,
}

impl Change for EndRun {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("UPDATE runners SET ended_at = ?2 WHERE id = ?1")
            .bind(self.run.0)
            .bind(self.now.millis())
            .execute(connection)
            .await?;
        Ok(())
    }
}
