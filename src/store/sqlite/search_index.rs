//! The index of the words of transcripts, and the backlog of those that it does not have yet.

use crate::domain::JobId;
use crate::domain::search::entry::SearchEntry;
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::{execute_rows, json_rows};
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::sync::Arc;

/// A transcript that the index does not have, or has in an earlier form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogItem {
    /// Job with the transcript.
    pub job: JobId,
    /// Number of changes so far.
    version: i64,
}

/// Which entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    /// All of them.
    Any,
    /// Those of a recording without a newer entry.
    Older,
    /// Those of jobs that have an entry, if it has changed.
    Own,
}

impl Store {
    /// Returns transcripts of the backlog, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search_backlog(&self, limit: usize) -> Result<Vec<BacklogItem>, StoreError> {
        let rows =
            sqlx::query("SELECT job_id, version FROM search_backlog ORDER BY job_id DESC LIMIT ?1")
                .bind(row::to_integer(limit as u64))
                .fetch_all(self.readers())
                .await?;
        let items = rows.iter().map(|found| {
            Ok(BacklogItem {
                job: JobId(found.try_get("job_id")?),
                version: found.try_get("version")?,
            })
        });
        items.collect()
    }

    /// Returns the number of transcripts in the backlog.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search_backlog_size(&self) -> Result<u64, StoreError> {
        let size = sqlx::query("SELECT count(*) AS size FROM search_backlog")
            .fetch_one(self.readers())
            .await?;
        row::count(&size, "size")
    }

    /// Writes the entries of transcripts of the backlog, and removes these from it. An item without an entry is only
    /// removed. One that changed since it was returned stays.
    ///
    /// A crash leaves all of them in the backlog, or none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn index_backlog(
        &self,
        items: Vec<BacklogItem>,
        entries: Vec<SearchEntry>,
    ) -> Result<(), StoreError> {
        let change = IndexBacklog { items, entries };
        failpoint::around("store.index", self.writer().write(change)).await
    }

    /// Writes the entries of transcripts that are in the index and were rendered in another form since.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh_entries(&self, entries: Vec<Arc<SearchEntry>>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let change = RefreshEntries(entries);
        failpoint::around("store.refresh_entries", self.writer().write(change)).await
    }

    /// Empties the index and puts all transcripts in the backlog. Returns whether it did: an earlier rebuild that was
    /// interrupted is continued instead.
    ///
    /// A crash leaves the index as it was, or empty with all transcripts in the backlog.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn begin_index_rebuild(&self) -> Result<bool, StoreError> {
        failpoint::around("store.rebuild_index", self.writer().write(BeginRebuild)).await
    }
}

/// Writes entries of transcripts. Those of jobs without a transcript, and those that are there already, are left out.
pub(super) async fn write_entries(
    entries: &[&SearchEntry],
    replace: Replace,
    connection: &mut SqliteConnection,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let recordings = recordings_to_index(entries, replace, connection).await?;
    let mut texts = Vec::new();
    let mut add = |text: &str| {
        let from = texts.len() + 1;
        texts.extend_from_slice(text.as_bytes());
        (from, text.len())
    };
    let mut rows = Vec::with_capacity(entries.len());
    for (entry, recording) in entries.iter().zip(recordings) {
        if let Some(recording) = recording {
            let language = entry.language.as_ref().map(ToString::to_string);
            let texts = [&entry.words, &entry.speakers, &entry.beginnings()].map(|text| add(text));
            rows.push((entry.job, recording, language, entry.digest(), texts));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let text = "
        DELETE FROM transcript_search WHERE rowid IN (
            SELECT e.job_id FROM json_each(?1) n CROSS JOIN search_entries e ON e.recording_id = n.value ->> 1);
        DELETE FROM search_beginnings WHERE rowid IN (
            SELECT e.job_id FROM json_each(?1) n CROSS JOIN search_entries e ON e.recording_id = n.value ->> 1);
        DELETE FROM search_entries WHERE recording_id IN (SELECT value ->> 1 FROM json_each(?1));
        INSERT INTO search_entries (job_id, recording_id, recorded_at, language, digest)
        SELECT j.id, r.id, CASE r.kind WHEN 'file' THEN r.modified_at ELSE coalesce(j.accepted_at, j.created_at) END,
               n.value ->> 2, n.value ->> 3
        FROM json_each(?1) n CROSS JOIN jobs j ON j.id = n.value ->> 0 CROSS JOIN recordings r ON r.id = n.value ->> 1;
        INSERT INTO transcript_search (rowid, words, speakers)
        SELECT value ->> 0, CAST(substr(?2, value ->> '$[4][0][0]', value ->> '$[4][0][1]') AS TEXT),
               CAST(substr(?2, value ->> '$[4][1][0]', value ->> '$[4][1][1]') AS TEXT)
        FROM json_each(?1);
        INSERT INTO search_beginnings (rowid, beginnings)
        SELECT value ->> 0, CAST(substr(?2, value ->> '$[4][2][0]', value ->> '$[4][2][1]') AS TEXT)
        FROM json_each(?1)";
    execute_rows(text, rows, &texts, connection).await?;
    Ok(())
}

/// Returns the recording of each entry that is to be written.
async fn recordings_to_index(
    entries: &[&SearchEntry],
    replace: Replace,
    connection: &mut SqliteConnection,
) -> Result<Vec<Option<i64>>, StoreError> {
    let condition = match replace {
        Replace::Any => "e.job_id IS NOT j.id",
        Replace::Older => "e.job_id IS NULL OR e.job_id < j.id",
        Replace::Own => "false",
    };
    let query = format!(
        "SELECT json_group_array((
             SELECT j.recording_id FROM jobs j LEFT JOIN search_entries e ON e.recording_id = j.recording_id
             WHERE j.id = n.value ->> 0 AND j.state IN ('received', 'done') AND j.set_aside = 0
               AND ({condition} OR e.job_id = j.id AND e.digest <> n.value ->> 1)))
         FROM json_each(?1) n"
    );
    let rows = entries.iter().map(|entry| (entry.job, entry.digest()));
    let found: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(json_rows(rows))
        .fetch_one(connection)
        .await?;
    row::parse_rows(&found)
}

struct IndexBacklog {
    items: Vec<BacklogItem>,
    entries: Vec<SearchEntry>,
}

impl Change for IndexBacklog {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let entries: Vec<_> = self.entries.iter().collect();
        write_entries(&entries, Replace::Older, connection).await?;
        let items = self.items.iter().map(|item| (item.job, item.version));
        sqlx::query(
            "DELETE FROM search_backlog WHERE EXISTS (
                 SELECT 1 FROM json_each(?1) WHERE value ->> 0 = job_id AND value ->> 1 = version)",
        )
        .bind(json_rows(items))
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct RefreshEntries(Vec<Arc<SearchEntry>>);

impl Change for RefreshEntries {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let entries: Vec<_> = self.0.iter().map(Arc::as_ref).collect();
        write_entries(&entries, Replace::Own, connection).await
    }
}

struct BeginRebuild;

impl Change for BeginRebuild {
    type Reply = bool;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let is_under_way: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM search_backlog WHERE is_rebuild = 1)")
                .fetch_one(&mut *connection)
                .await?;
        if is_under_way {
            return Ok(false);
        }
        for statement in [
            "INSERT INTO transcript_search (transcript_search) VALUES ('delete-all')",
            "INSERT INTO search_beginnings (search_beginnings) VALUES ('delete-all')",
            "DELETE FROM search_entries",
            "INSERT INTO search_backlog (job_id, is_rebuild)
             SELECT max(id), 1 FROM jobs WHERE state = 'done' AND set_aside = 0 GROUP BY recording_id
             ON CONFLICT (job_id) DO UPDATE SET is_rebuild = 1, version = version + 1",
        ] {
            sqlx::query(statement).execute(&mut *connection).await?;
        }
        Ok(true)
    }
}
