//! Notifications, as inserted into the outbox.

use crate::domain::{NotifyChannel, Timestamp};
use crate::store::error::StoreError;
use sqlx::SqliteConnection;

/// A notification for one or more channels.
#[derive(Debug, Clone)]
pub struct OutboxMessage {
    /// ID of the message, the same in all channels and attempts.
    pub message_id: String,
    /// Payloads, one for each channel.
    pub payloads: Vec<Payload>,
    /// Creation time.
    pub created_at: Timestamp,
}

/// Payload of a notification for one channel.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Channel.
    pub channel: NotifyChannel,
    /// Subject of a text. `None` for JSON.
    pub subject: Option<String>,
    /// JSON or text.
    pub body: String,
}

impl OutboxMessage {
    /// Inserts the notification into the outbox, due immediately.
    pub(crate) async fn insert(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        for payload in &self.payloads {
            sqlx::query(
                "INSERT INTO outbox (message_id, channel, subject, body, created_at, due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            )
            .bind(&self.message_id)
            .bind(payload.channel.as_str())
            .bind(&payload.subject)
            .bind(&payload.body)
            .bind(self.created_at.millis())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
