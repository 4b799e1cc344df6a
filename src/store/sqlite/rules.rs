//! Model and options of queued jobs.
//!
//! They come from the source, or from the nearest folder above the recording that has rules.

use crate::domain::{Request, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::path::PathBuf;

/// Model and options for the recordings below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRule {
    /// Folder relative to the source; empty for the whole source.
    pub folder: PathBuf,
    /// Model and options.
    pub request: Request,
}

impl FolderRule {
    fn bytes(&self) -> &[u8] {
        row::path_bytes(&self.folder)
    }

    /// Returns the prefix of all folders below this one.
    fn prefix(&self) -> Vec<u8> {
        self.with_suffix(b'/')
    }

    /// Returns the least path after all of them; `None` if there is none.
    fn upper_bound(&self) -> Option<Vec<u8>> {
        // All folders below begin with the folder and `/`, and nothing lies between `/` and the next byte.
        Some(self.with_suffix(b'/' + 1)).filter(|end| !end.is_empty())
    }

    fn with_suffix(&self, suffix: u8) -> Vec<u8> {
        let mut bytes = self.bytes().to_vec();
        if !bytes.is_empty() {
            bytes.push(suffix);
        }
        bytes
    }
}

impl Store {
    /// Applies the current model and options of each source to its queued jobs, except retries with a model of their own.
    ///
    /// Jobs in folders with rules get those of the last scan. Returns the number of changed jobs. The change is stored
    /// completely or not at all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reconfigure(
        &self,
        sources: Vec<(String, Request)>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let change = Reconfigure { sources, now };
        failpoint::around("store.reconfigure", self.writer().write(change)).await
    }

    /// Returns the folder rules of `source` as of the last scan, by folder.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn folder_rules(&self, source: &str) -> Result<Vec<FolderRule>, StoreError> {
        let rows = sqlx::query(
            "SELECT folder, model, options FROM folder_rules WHERE source = ?1 ORDER BY folder",
        )
        .bind(source)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(rule).collect()
    }

    /// Replaces the folder rules of `source` and applies them to its queued jobs.
    ///
    /// Returns the number of changed jobs. The change is stored completely or not at all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_folder_rules(
        &self,
        source: &str,
        request: &Request,
        rules: Vec<FolderRule>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let change = SetRules {
            source: source.to_owned(),
            rules,
            reconfigure: Reconfigure {
                sources: vec![(source.to_owned(), request.clone())],
                now,
            },
        };
        self.writer().write(change).await
    }
}

fn rule(found: &sqlx::sqlite::SqliteRow) -> Result<FolderRule, StoreError> {
    Ok(FolderRule {
        folder: row::path(found, "folder")?,
        request: row::request(found)?,
    })
}

struct SetRules {
    source: String,
    rules: Vec<FolderRule>,
    reconfigure: Reconfigure,
}

impl Change for SetRules {
    type Reply = u64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM folder_rules WHERE source = ?1")
            .bind(&self.source)
            .execute(&mut *connection)
            .await?;
        for rule in &self.rules {
            sqlx::query(
                "INSERT INTO folder_rules (source, folder, prefix, model, options) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .bind(&self.source)
            .bind(rule.bytes())
            .bind(rule.prefix())
            .bind(rule.request.model())
            .bind(rule.request.options_json())
            .execute(&mut *connection)
            .await?;
        }
        self.reconfigure.apply(connection).await
    }
}

struct Reconfigure {
    /// Names of sources, with their model and options.
    sources: Vec<(String, Request)>,
    now: Timestamp,
}

impl Change for Reconfigure {
    type Reply = u64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let mut changed = self.apply_to_sources(connection).await?;
        let names: Vec<_> = self.sources.iter().map(|(name, _)| name.as_str()).collect();
        let known = sqlx::query(
            "SELECT source, folder, model, options FROM folder_rules
             WHERE source IN (SELECT value FROM json_each(?1)) ORDER BY source, folder",
        )
        .bind(serde_json::Value::from(names).to_string())
        .fetch_all(&mut *connection)
        .await?;
        for known in &known {
            let source = known.try_get("source")?;
            changed += self.apply_rule(connection, source, &rule(known)?).await?;
        }
        Ok(changed)
    }
}

impl Reconfigure {
    /// Updates jobs that are not below a folder with rules. One statement, because there may be thousands of sources.
    async fn apply_to_sources(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let sources = self.sources.iter();
        let sources: Vec<_> = sources
            .map(|(name, request)| (name, request.model(), request.options_json()))
            .collect();
        let changed = sqlx::query(
            "UPDATE jobs SET model = c.model, options = c.options, updated_at = ?2
             FROM recordings r,
                  (SELECT value ->> 0 AS source, value ->> 1 AS model, value ->> 2 AS options FROM json_each(?1)) c
             WHERE jobs.state = 'queued' AND jobs.retry_of IS NULL AND jobs.uncertain_attempt_id IS NULL
               AND r.id = jobs.recording_id AND c.source = r.source
               AND (jobs.model, jobs.options) <> (c.model, c.options)
               AND NOT EXISTS (SELECT 1 FROM folder_rules u WHERE u.source = r.source AND r.kind = 'file'
                   AND (r.folder = u.folder OR substr(r.folder, 1, length(u.prefix)) = u.prefix))",
        )
        .bind(serde_json::json!(sources).to_string())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(changed.rows_affected())
    }

    /// Updates jobs below this folder, but not below a deeper one with rules.
    async fn apply_rule(
        &self,
        connection: &mut SqliteConnection,
        source: &str,
        rule: &FolderRule,
    ) -> Result<u64, StoreError> {
        let changed = sqlx::query(
            "UPDATE jobs SET model = ?2, options = ?3, updated_at = ?4
             WHERE id IN (
                 SELECT j.id FROM recordings r JOIN jobs j ON j.recording_id = r.id
                 WHERE r.source = ?1 AND r.kind = 'file' AND r.folder >= ?5 AND (?6 IS NULL OR r.folder < ?6)
                   AND (r.folder = ?5 OR substr(r.folder, 1, length(?7)) = ?7)
                   AND j.state = 'queued' AND j.retry_of IS NULL AND j.uncertain_attempt_id IS NULL
                   AND (j.model, j.options) <> (?2, ?3)
                   AND NOT EXISTS (SELECT 1 FROM folder_rules u WHERE u.source = ?1 AND u.folder > ?5
                       AND substr(u.folder, 1, length(?7)) = ?7
                       AND (r.folder = u.folder OR substr(r.folder, 1, length(u.prefix)) = u.prefix)))",
        )
        .bind(source)
        .bind(rule.request.model())
        .bind(rule.request.options_json())
        .bind(self.now.millis())
        .bind(rule.bytes())
        .bind(rule.upper_bound())
        .bind(rule.prefix())
        .execute(connection)
        .await?;
        Ok(changed.rows_affected())
    }
}
