//! Notifications, as inserted into the outbox.

use super::error::StoreError;
use crate::domain::{Channel, Timestamp};
use sqlx::SqliteConnection;

/// A notification for one or more channels.
#[derive(Debug, Clone)]
pub struct News {
    /// ID of the message, the same in all channels and attempts.
    pub message: String,
    /// Payloads, one for each channel.
    pub drafts: Vec<Draft>,
    /// Creation time.
    pub at: Timestamp,
}

/// Payload of a notification for one channel.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Channel.
    pub channel: Channel,
    /// Subject; set for e-mail only.
    pub subject: Option<String>,
    /// JSON, or the text of an e-mail.
    pub body: String,
}

impl News {
    /// Inserts the notification into the outbox, due immediately.
    pub(super) async fn put(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        for draft in &self.drafts {
            sqlx::query(
                "INSERT INTO outbox (message_id, channel, subject, body, created_at, due_at)
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
