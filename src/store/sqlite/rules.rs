//! Model and options of queued jobs.
//!
//! They come from the source, or from the nearest folder above the recording that has rules.

use crate::domain::{Request, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::SqliteConnection;
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
    /// Applies the current model and options of `source` to its queued jobs, except retries with a model of their own.
    ///
    /// Jobs in folders with rules get those of the last scan. Returns the number of changed jobs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reconfigure(
        &self,
        source: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let change = Reconfigure {
            source: source.to_owned(),
            request: request.clone(),
            rules: None,
            now,
        };
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
        let change = Reconfigure {
            source: source.to_owned(),
            request: request.clone(),
            rules: Some(rules),
            now,
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

struct Reconfigure {
    source: String,
    request: Request,
    /// Replacement of the stored rules; `None` keeps them.
    rules: Option<Vec<FolderRule>>,
    now: Timestamp,
}

impl Change for Reconfigure {
    type Reply = u64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        if let Some(rules) = &self.rules {
            self.replace_rules(connection, rules).await?;
        }
        let mut changed = self.apply_to_source(connection).await?;
        let known = sqlx::query(
            "SELECT folder, model, options FROM folder_rules WHERE source = ?1 ORDER BY folder",
        )
        .bind(&self.source)
        .fetch_all(&mut *connection)
        .await?;
        for known in &known {
            changed += self.apply_rule(connection, &rule(known)?).await?;
        }
        Ok(changed)
    }
}

impl Reconfigure {
    async fn replace_rules(
        &self,
        connection: &mut SqliteConnection,
        rules: &[FolderRule],
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM folder_rules WHERE source = ?1")
            .bind(&self.source)
            .execute(&mut *connection)
            .await?;
        for rule in rules {
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
        Ok(())
    }

    /// Updates jobs that are not below a folder with rules.
    async fn apply_to_source(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let changed = sqlx::query(
            "UPDATE jobs SET model = ?2, options = ?3, updated_at = ?4
             WHERE state = 'queued' AND retry_of IS NULL AND uncertain_attempt_id IS NULL
               AND (model, options) <> (?2, ?3)
               AND EXISTS (SELECT 1 FROM recordings r WHERE r.id = jobs.recording_id AND r.source = ?1
                   AND NOT EXISTS (SELECT 1 FROM folder_rules u WHERE u.source = ?1 AND r.kind = 'file'
                       AND (r.folder = u.folder OR substr(r.folder, 1, length(u.prefix)) = u.prefix)))",
        )
        .bind(&self.source)
        .bind(self.request.model())
        .bind(self.request.options_json())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(changed.rows_affected())
    }

    /// Updates jobs below this folder, but not below a deeper one with rules.
    async fn apply_rule(
        &self,
        connection: &mut SqliteConnection,
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
        .bind(&self.source)
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
