//! A message to people, as it is put into the outbox.

use super::error::StoreError;
use crate::domain::{Channel, Timestamp};
use sqlx::SqliteConnection;

/// A message for some channels.
#[derive(Debug, Clone)]
pub struct News {
    /// The message's ID.
    pub message: String,
    /// One for each channel.
    pub drafts: Vec<Draft>,
    /// When it was written.
    pub at: Timestamp,
}

/// A message in the form that one channel takes.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The channel.
    pub channel: Channel,
    /// Of an e-mail, and of nothing else.
    pub subject: Option<String>,
    /// JSON, or the text of an e-mail.
    pub body: String,
}

impl News {
    /// Puts the message into the outbox, due at once.
    pub(super) async fn put(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        for draft in &self.drafts {
            sqlx::query(
                "INSERT INTO outbox (message, channel, subject, body, created_at, due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            )
            .bind(&self.message)
            .bind(draft.channel.as_str())
            .bind(&draft.subject)
            .bind(&draft.body)
            .bind(self.at.millis())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
