//! Holds of single sources, and the marks of the jobs that they concern.

use crate::domain::{Hold, JobId, PaidMark};
use crate::policy::looks_paid::{PaidFacts, is_mass_change};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::held::IS_HELD;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::outbox_message::OutboxMessage;
use crate::store::sqlite::queue::{CANDIDATE, Candidate, candidate};
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// SQL condition: an earlier job of the recording of `j` is paid for.
const WAS_PAID: &str =
    "EXISTS (SELECT 1 FROM jobs e WHERE e.recording_id = j.recording_id AND e.id < j.id
    AND e.state IN ('pending', 'received', 'done'))";

/// A queued job of a file, with what is known about earlier payments.
#[derive(Debug, Clone)]
pub struct QueuedFile {
    /// The job and its recording.
    pub candidate: Candidate,
    /// Whether an earlier version of the file is paid for.
    pub was_paid: bool,
}

/// Approved recordings of a source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovedSource {
    /// Name of the source.
    pub source: String,
    /// Number of its recordings that are submitted now.
    pub recordings: u64,
}

impl Store {
    /// Returns queued jobs of files of a source after the job `after`, by ID, at most `limit`. Uncertain jobs are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queued_files(
        &self,
        source: &str,
        after: JobId,
        limit: usize,
    ) -> Result<Vec<QueuedFile>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {CANDIDATE}, {WAS_PAID} AS was_paid
             FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.id > ?2 AND j.uncertain_attempt_id IS NULL AND r.source = ?1 AND r.kind = 'file'
             ORDER BY j.id LIMIT +?3"
        )))
        .bind(source)
        .bind(after.0)
        .bind(row::to_integer(limit as u64))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|found| {
                Ok(QueuedFile {
                    candidate: candidate(found)?,
                    was_paid: row::is_set(found, "was_paid")?,
                })
            })
            .collect()
    }

    /// Returns the sources with queued files that were paid for in an earlier version.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sources_with_changed_files(&self) -> Result<BTreeSet<String>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT DISTINCT r.source FROM jobs j INDEXED BY jobs_queued JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND r.kind = 'file' AND j.paid_mark IS NOT 'approved' AND {WAS_PAID}"
        )))
        .fetch_all(self.readers())
        .await?;
        Ok(found.into_iter().collect())
    }

    /// Counts the queued files of a source that were paid for in an earlier version, as if each had another content.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn possible_changes(&self, source: &str) -> Result<PaidFacts, StoreError> {
        self.count_facts(source, WAS_PAID).await
    }

    /// Counts the marks of a source.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn paid_facts(&self, source: &str) -> Result<PaidFacts, StoreError> {
        self.count_facts(source, "j.paid_mark = 'changed'").await
    }

    async fn count_facts(&self, source: &str, is_changed: &str) -> Result<PaidFacts, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT count(*) AS queued, count(*) FILTER (WHERE j.paid_mark = 'transcribed') AS transcribed,
                    count(*) FILTER (WHERE {is_changed}) AS changed,
                    count(*) FILTER (WHERE {is_changed} AND NOT {WAS_PAID}) AS unknown
             FROM jobs j INDEXED BY jobs_queued JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND r.source = ?1 AND r.kind = 'file' AND j.paid_mark IS NOT 'approved'"
        )))
        .bind(source)
        .fetch_one(self.readers())
        .await?;
        let (changed, unknown) = (
            row::count(&found, "changed")?,
            row::count(&found, "unknown")?,
        );
        // Few changes are no reason to count all recordings of the source.
        let known = match is_mass_change(changed, 0) {
            true => unknown + self.count_paid(source).await?,
            false => changed,
        };
        Ok(PaidFacts {
            queued: row::count(&found, "queued")?,
            transcribed: row::count(&found, "transcribed")?,
            changed,
            known,
        })
    }

    /// Returns the number of files of a source that are paid for in some version.
    async fn count_paid(&self, source: &str) -> Result<u64, StoreError> {
        let paid: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT j.recording_id) FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state IN ('pending', 'received', 'done') AND r.source = ?1 AND r.kind = 'file'",
        )
        .bind(source)
        .fetch_one(self.readers())
        .await?;
        Ok(paid.unsigned_abs())
    }

    /// Returns the path of the first recording of a source with this mark, relative to the source.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn example_of(
        &self,
        source: &str,
        mark: PaidMark,
    ) -> Result<Option<PathBuf>, StoreError> {
        let found = sqlx::query(
            "SELECT r.relative FROM jobs j JOIN recordings r ON r.id = j.recording_id
             WHERE j.state = 'queued' AND j.paid_mark = ?2 AND r.source = ?1 ORDER BY j.id LIMIT 1",
        )
        .bind(source)
        .bind(mark.as_str())
        .fetch_optional(self.readers())
        .await?;
        found.map(|found| row::path(&found, "relative")).transpose()
    }

    /// Sets the marks of queued jobs. Approved jobs keep theirs.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn mark_paid(&self, marks: Vec<(JobId, Option<PaidMark>)>) -> Result<(), StoreError> {
        self.writer().write(MarkPaid { marks }).await
    }

    /// Returns the holds of single sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn source_holds(&self) -> Result<Vec<Hold>, StoreError> {
        let rows = sqlx::query("SELECT source, since, message FROM source_holds ORDER BY source")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|found| {
                let since = row::time(found, "since")?;
                let message = found.try_get("message")?;
                Ok(Hold::of_source(found.try_get("source")?, since, message))
            })
            .collect()
    }

    /// Holds a source, all of it if `whole`, and enqueues a notification in the same commit.
    ///
    /// A hold in force keeps its start, and enqueues no notification.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hold_source(
        &self,
        hold: Hold,
        whole: bool,
        news: Option<OutboxMessage>,
    ) -> Result<(), StoreError> {
        let set = self.writer().write(HoldSource { hold, whole, news });
        failpoint::around("store.hold_source", set).await
    }

    /// Releases the hold of a source.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn release_source(&self, source: &str) -> Result<(), StoreError> {
        let source = source.to_owned();
        self.writer().write(ReleaseSource { source }).await
    }

    /// Releases the holds of all sources, and approves the payment for the recordings that they held. Returns the sources.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn approve_sources(&self) -> Result<Vec<ApprovedSource>, StoreError> {
        failpoint::around("store.approve", self.writer().write(ApproveSources)).await
    }
}

struct MarkPaid {
    marks: Vec<(JobId, Option<PaidMark>)>,
}

impl Change for MarkPaid {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let marks = self.marks.iter();
        sqlx::query(
            "UPDATE jobs SET paid_mark = m.value ->> 1 FROM jsonb_each(?1) m
             WHERE jobs.id = m.value ->> 0 AND state = 'queued' AND paid_mark IS NOT 'approved'",
        )
        .bind(json_rows(
            marks.map(|(job, mark)| (job, mark.map(PaidMark::as_str))),
        ))
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct HoldSource {
    hold: Hold,
    whole: bool,
    news: Option<OutboxMessage>,
}

impl Change for HoldSource {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let in_force: i64 =
            sqlx::query_scalar("SELECT count(*) FROM source_holds WHERE source = ?1")
                .bind(&self.hold.source)
                .fetch_one(&mut *connection)
                .await?;
        if let Some(news) = self.news.as_ref().filter(|_| in_force == 0) {
            news.insert(connection).await?;
        }
        sqlx::query(
            "INSERT INTO source_holds (source, since, whole, message) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (source) DO UPDATE SET whole = excluded.whole, message = excluded.message",
        )
        .bind(&self.hold.source)
        .bind(self.hold.since.millis())
        .bind(i64::from(self.whole))
        .bind(&self.hold.message)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct ReleaseSource {
    source: String,
}

impl Change for ReleaseSource {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM source_holds WHERE source = ?1")
            .bind(&self.source)
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct ApproveSources;

impl Change for ApproveSources {
    type Reply = Vec<ApprovedSource>;

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<ApprovedSource>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT h.source, (SELECT count(*) FROM jobs j JOIN recordings r ON r.id = j.recording_id
                               WHERE j.state = 'queued' AND r.source = h.source AND {IS_HELD}) AS held
             FROM source_holds h ORDER BY h.source"
        )))
        .fetch_all(&mut *connection)
        .await?;
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE jobs SET paid_mark = 'approved'
             WHERE state = 'queued' AND id IN (SELECT j.id FROM jobs j JOIN recordings r ON r.id = j.recording_id
                                               WHERE j.state = 'queued' AND {IS_HELD});
             DELETE FROM source_holds"
        )))
        .execute(connection)
        .await?;
        rows.iter()
            .map(|found| {
                Ok(ApprovedSource {
                    source: found.try_get("source")?,
                    recordings: row::count(found, "held")?,
                })
            })
            .collect()
    }
}
