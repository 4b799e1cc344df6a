//! Model and options of what is queued: those of its source, or of the nearest folder above it that has rules of its
//! own.

use super::error::StoreError;
use super::open::Store;
use super::row;
use super::writer::Change;
use crate::crash;
use crate::domain::{Request, Timestamp};
use sqlx::SqliteConnection;
use std::path::PathBuf;

/// What is asked of the service for the recordings below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The folder inside the source; empty for all of it.
    pub folder: PathBuf,
    /// Model and options.
    pub request: Request,
}

impl Rule {
    fn bytes(&self) -> &[u8] {
        row::path_bytes(&self.folder)
    }

    /// What the folders below this one begin with.
    fn prefix(&self) -> Vec<u8> {
        self.ended_by(b'/')
    }

    /// What comes after all of them, if anything does.
    fn end(&self) -> Option<Vec<u8>> {
        Some(self.ended_by(b'/' + 1)).filter(|end| !end.is_empty())
    }

    fn ended_by(&self, last: u8) -> Vec<u8> {
        let mut bytes = self.bytes().to_vec();
        if !bytes.is_empty() {
            bytes.push(last);
        }
        bytes
    }
}

impl Store {
    /// Gives the queued jobs of `source` its present model and options, so that a corrected configuration counts, and
    /// those in folders with rules what the last scan found there. Says how many were changed.
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
        crash::around("store.reconfigure", self.writer().write(change)).await
    }

    /// The rules of the folders of `source`, by folder, as the last scan found them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn rules(&self, source: &str) -> Result<Vec<Rule>, StoreError> {
        let rows = sqlx::query(
            "SELECT folder, model, options FROM rules WHERE source = ?1 ORDER BY folder",
        )
        .bind(source)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(rule).collect()
    }

    /// Replaces the rules of the folders of `source`, and gives its queued jobs what is theirs by them. Says how many
    /// were changed. All of it is durable afterwards, or nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_rules(
        &self,
        source: &str,
        request: &Request,
        rules: Vec<Rule>,
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

fn rule(found: &sqlx::sqlite::SqliteRow) -> Result<Rule, StoreError> {
    Ok(Rule {
        folder: row::path(found, "folder")?,
        request: row::request(found)?,
    })
}

struct Reconfigure {
    source: String,
    request: Request,
    /// In place of those that are known.
    rules: Option<Vec<Rule>>,
    now: Timestamp,
}

impl Change for Reconfigure {
    type Reply = u64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        if let Some(rules) = &self.rules {
            self.replace(connection, rules).await?;
        }
        let mut changed = self.by_source(connection).await?;
        let known = sqlx::query(
            "SELECT folder, model, options FROM rules WHERE source = ?1 ORDER BY folder",
        )
        .bind(&self.source)
        .fetch_all(&mut *connection)
        .await?;
        for known in &known {
            changed += self.by_rule(connection, &rule(known)?).await?;
        }
        Ok(changed)
    }
}

impl Reconfigure {
    async fn replace(
        &self,
        connection: &mut SqliteConnection,
        rules: &[Rule],
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM rules WHERE source = ?1")
            .bind(&self.source)
            .execute(&mut *connection)
            .await?;
        for rule in rules {
            sqlx::query(
                "INSERT INTO rules (source, folder, prefix, model, options) VALUES (?1, ?2, ?3, ?4, ?5)",
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

    /// What lies below no folder with rules.
    async fn by_source(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let changed = sqlx::query(
            "UPDATE jobs SET model = ?2, options = ?3, updated_at = ?4
             WHERE state = 'queued' AND doubt IS NULL AND (model, options) <> (?2, ?3)
               AND EXISTS (SELECT 1 FROM recordings r WHERE r.id = jobs.recording_id AND r.source = ?1
                   AND NOT EXISTS (SELECT 1 FROM rules u WHERE u.source = ?1 AND r.kind = 'file'
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

    /// What lies below this folder, and below no deeper one with rules.
    async fn by_rule(
        &self,
        connection: &mut SqliteConnection,
        rule: &Rule,
    ) -> Result<u64, StoreError> {
        let changed = sqlx::query(
            "UPDATE jobs SET model = ?2, options = ?3, updated_at = ?4
             WHERE id IN (
                 SELECT j.id FROM recordings r JOIN jobs j ON j.recording_id = r.id
                 WHERE r.source = ?1 AND r.kind = 'file' AND r.folder >= ?5 AND (?6 IS NULL OR r.folder < ?6)
                   AND (r.folder = ?5 OR substr(r.folder, 1, length(?7)) = ?7)
                   AND j.state = 'queued' AND j.doubt IS NULL AND (j.model, j.options) <> (?2, ?3)
                   AND NOT EXISTS (SELECT 1 FROM rules u WHERE u.source = ?1 AND u.folder > ?5
                       AND substr(u.folder, 1, length(?7)) = ?7
                       AND (r.folder = u.folder OR substr(r.folder, 1, length(u.prefix)) = u.prefix)))",
        )
        .bind(&self.source)
        .bind(rule.request.model())
        .bind(rule.request.options_json())
        .bind(self.now.millis())
        .bind(rule.bytes())
        .bind(rule.end())
        .bind(rule.prefix())
        .execute(connection)
        .await?;
        Ok(changed.rows_affected())
    }
}
