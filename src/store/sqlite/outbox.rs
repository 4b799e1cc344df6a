//! Outbox of notifications, with one row for each message and channel.
//!
//! A row is committed before its message is sent, and records the delivery. An attempt is recorded before it
//! starts. After a crash the row therefore tells that the message may have arrived.

use crate::domain::{NotifyChannel, Timestamp};
use crate::policy::delivery::{MAX_MESSAGE_AGE, NextDelivery};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::outbox_message::OutboxMessage;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// A message to deliver through one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Row ID.
    pub id: i64,
    /// ID of the message.
    pub message_id: String,
    /// Channel.
    pub channel: NotifyChannel,
    /// Subject of a text. `None` for JSON.
    pub subject: Option<String>,
    /// JSON or text.
    pub body: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the next attempt.
    pub due_at: Timestamp,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Whether a crash interrupted the last attempt, so that the message may have arrived.
    pub was_interrupted: bool,
}

/// Undelivered messages found at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxBacklog {
    /// Number of messages given up as too old, one for each channel.
    pub given_up: u64,
    /// Number of messages still to deliver, one for each channel.
    pub waiting: u64,
}

impl Store {
    /// Prepares the outbox at a start.
    ///
    /// Messages that are too old are given up; other undelivered ones become due immediately. The first run
    /// with notifications also starts the first summary period at `now`.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn reopen_outbox(&self, now: Timestamp) -> Result<OutboxBacklog, StoreError> {
        let open = self.writer().write(OpenOutbox { now });
        failpoint::around("store.begin_telling", open).await
    }

    /// Returns the end of the period that the last summary covered; `None` before the first run with
    /// notifications.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn summarized_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT covered_until FROM summary_cursor")
            .fetch_optional(self.readers())
            .await?;
        Ok(until.map(Timestamp::from_millis))
    }

    /// Enqueues the summary of the period that ends at `until`.
    ///
    /// The next period starts there. After a crash before this commit, the next summary covers both periods.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn enqueue_summary(
        &self,
        news: OutboxMessage,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.enqueue(news, Some(until)).await
    }

    /// Enqueues a message that is not a summary.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn enqueue_message(&self, news: OutboxMessage) -> Result<(), StoreError> {
        self.enqueue(news, None).await
    }

    async fn enqueue(
        &self,
        news: OutboxMessage,
        covered_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let enqueue = self.writer().write(EnqueueMessage {
            news,
            covered_until,
        });
        failpoint::around("store.tell", enqueue).await
    }

    /// Returns the next message to deliver through `channel`, if any.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_delivery(
        &self,
        channel: NotifyChannel,
    ) -> Result<Option<Delivery>, StoreError> {
        let found = sqlx::query(
            "SELECT id, message_id, channel, subject, body, created_at, due_at, attempts, attempt_started_at
             FROM outbox WHERE channel = ?1 AND delivered_at IS NULL AND given_up_at IS NULL ORDER BY due_at, id LIMIT 1",
        )
        .bind(channel.as_str())
        .fetch_optional(self.readers())
        .await?;
        found.as_ref().map(delivery).transpose()
    }

    /// Records the start of an attempt.
    ///
    /// # Errors
    /// If the database fails; the attempt must not start then.
    pub async fn start_delivery(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let begin = self.writer().write(BeginDelivery { id, now });
        failpoint::around("store.begin_delivery", begin).await
    }

    /// Records a delivery.
    ///
    /// After a crash before this commit, the message is sent again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn finish_delivery(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let delivered = self.writer().write(Delivered { id, now });
        failpoint::around("store.delivered", delivered).await
    }

    /// Records a failed attempt.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fail_delivery(
        &self,
        id: i64,
        next: NextDelivery,
        error: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let not_delivered = NotDelivered {
            id,
            next,
            error: error.to_owned(),
            now,
        };
        failpoint::around("store.not_delivered", self.writer().write(not_delivered)).await
    }
}

fn delivery(found: &SqliteRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: found.try_get("id")?,
        message_id: found.try_get("message_id")?,
        channel: row::parse(found, "channel")?,
        subject: found.try_get("subject")?,
        body: found.try_get("body")?,
        created_at: row::time(found, "created_at")?,
        due_at: row::time(found, "due_at")?,
        attempts: u32::try_from(found.try_get::<i64, _>("attempts")?)
            .map_err(|_| StoreError::Content { column: "attempts" })?,
        was_interrupted: row::time_or_none(found, "attempt_started_at")?.is_some(),
    })
}

struct OpenOutbox {
    now: Timestamp,
}

impl Change for OpenOutbox {
    type Reply = OutboxBacklog;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<OutboxBacklog, StoreError> {
        sqlx::query("INSERT OR IGNORE INTO summary_cursor (id, covered_until) VALUES (1, ?1)")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        let given_up = sqlx::query(
            "UPDATE outbox SET given_up_at = ?1
             WHERE delivered_at IS NULL AND given_up_at IS NULL AND created_at <= ?2",
        )
        .bind(self.now.millis())
        .bind(self.now.before(MAX_MESSAGE_AGE).millis())
        .execute(&mut *connection)
        .await?;
        let waiting = sqlx::query(
            "UPDATE outbox SET due_at = min(due_at, ?1) WHERE delivered_at IS NULL AND given_up_at IS NULL",
        )
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(OutboxBacklog {
            given_up: given_up.rows_affected(),
            waiting: waiting.rows_affected(),
        })
    }
}

struct EnqueueMessage {
    news: OutboxMessage,
    /// End of the period that a summary covers. `None` for other messages.
    covered_until: Option<Timestamp>,
}

impl Change for EnqueueMessage {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.news.insert(connection).await?;
        let Some(until) = self.covered_until else {
            return Ok(());
        };
        sqlx::query("INSERT OR REPLACE INTO summary_cursor (id, covered_until) VALUES (1, ?1)")
            .bind(until.millis())
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct BeginDelivery {
    id: i64,
    now: Timestamp,
}

impl Change for BeginDelivery {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET attempt_started_at = ?2, attempts = attempts + 1 WHERE id = ?1",
        )
        .bind(self.id)
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Delivered {
    id: i64,
    now: Timestamp,
}

impl Change for Delivered {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET delivered_at = ?2, error = NULL WHERE id = ?1")
            .bind(self.id)
            .bind(self.now.millis())
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct NotDelivered {
    id: i64,
    next: NextDelivery,
    error: String,
    now: Timestamp,
}

impl Change for NotDelivered {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (due, given_up) = match self.next {
            NextDelivery::At(due) => (due, None),
            NextDelivery::AtNextStart => (Timestamp::MAX, None),
            NextDelivery::GiveUp => (self.now, Some(self.now)),
        };
        sqlx::query(
            "UPDATE outbox SET attempt_started_at = NULL, due_at = ?2, given_up_at = ?3, error = ?4 WHERE id = ?1",
        )
        .bind(self.id)
        .bind(due.millis())
        .bind(given_up.map(Timestamp::millis))
        .bind(&self.error)
        .execute(connection)
        .await?;
        Ok(())
    }
}
