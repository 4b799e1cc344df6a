//! Messages to people: each is here, a row for each channel, before it is sent, and says when it was delivered. A try is
//! marked before it begins, so that it is known after a crash that one may have arrived.

use super::error::StoreError;
use super::news::News;
use super::open::Store;
use super::row;
use super::writer::Change;
use crate::crash;
use crate::domain::{Channel, Timestamp};
use crate::policy::delivery::{GIVE_UP_AFTER, Next};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// A message on its way through one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its row.
    pub id: i64,
    /// The message's ID.
    pub message: String,
    /// The channel.
    pub channel: Channel,
    /// Of an e-mail.
    pub subject: Option<String>,
    /// As it is sent.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is sent next.
    pub due_at: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// Whether the last try was cut off by a crash, so that it may have arrived.
    pub cut_off: bool,
}

/// What a start finds in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reopened {
    /// Messages, each in its channel, that were given up because they are too old.
    pub given_up: u64,
    /// Those that are sent now.
    pub waiting: u64,
}

impl Store {
    /// Begins to tell: what ends from `now` on is news, unless an earlier run has begun already. Whatever was not
    /// delivered is due at once; what is too old is given up.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn begin_telling(&self, now: Timestamp) -> Result<Reopened, StoreError> {
        let begin = self.writer().write(BeginTelling { now });
        crash::around("store.begin_telling", begin).await
    }

    /// The end of the time that the last summary told of; `None` before the first run that tells.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn told_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT until FROM told")
            .fetch_optional(self.readers())
            .await?;
        Ok(until.map(Timestamp::from_millis))
    }

    /// Puts a summary of what ended until `until` into the outbox. The next one begins there: a crash before this
    /// leaves all of it for that one.
    ///
    /// # Errors
    /// If the database fails; nothing is changed then.
    pub async fn tell(&self, news: News, until: Timestamp) -> Result<(), StoreError> {
        crash::around("store.tell", self.writer().write(Tell { news, until })).await
    }

    /// What is sent next through `channel`, if anything waits.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_delivery(&self, channel: Channel) -> Result<Option<Delivery>, StoreError> {
        let found = sqlx::query(
            "SELECT id, message, channel, subject, body, created_at, due_at, tries, begun_at FROM outbox
             WHERE channel = ?1 AND delivered_at IS NULL AND given_up_at IS NULL ORDER BY due_at, id LIMIT 1",
        )
        .bind(channel.as_str())
        .fetch_optional(self.readers())
        .await?;
        found.as_ref().map(delivery).transpose()
    }

    /// A try is about to begin.
    ///
    /// # Errors
    /// If the database fails; it must not begin then.
    pub async fn begin_delivery(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let begin = self.writer().write(BeginDelivery { id, now });
        crash::around("store.begin_delivery", begin).await
    }

    /// It has arrived. A crash before this sends it again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn delivered(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let delivered = self.writer().write(Delivered { id, now });
        crash::around("store.delivered", delivered).await
    }

    /// The try was in vain.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn not_delivered(
        &self,
        id: i64,
        next: Next,
        error: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let not_delivered = NotDelivered {
            id,
            next,
            error: error.to_owned(),
            now,
        };
        crash::around("store.not_delivered", self.writer().write(not_delivered)).await
    }
}

fn delivery(found: &SqliteRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: found.try_get("id")?,
        message: found.try_get("message")?,
        channel: row::parsed(found, "channel")?,
        subject: found.try_get("subject")?,
        body: found.try_get("body")?,
        created_at: row::time(found, "created_at")?,
        due_at: row::time(found, "due_at")?,
        tries: u32::try_from(found.try_get::<i64, _>("tries")?)
            .map_err(|_| StoreError::Content { column: "tries" })?,
        cut_off: row::time_or_none(found, "begun_at")?.is_some(),
    })
}

struct BeginTelling {
    now: Timestamp,
}

impl Change for BeginTelling {
    type Reply = Reopened;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Reopened, StoreError> {
        sqlx::query("INSERT OR IGNORE INTO told (only, until) VALUES (1, ?1)")
            .bind(self.now.millis())
            .execute(&mut *connection)
            .await?;
        let given_up = sqlx::query(
            "UPDATE outbox SET given_up_at = ?1
             WHERE delivered_at IS NULL AND given_up_at IS NULL AND created_at <= ?2",
        )
        .bind(self.now.millis())
        .bind(self.now.before(GIVE_UP_AFTER).millis())
        .execute(&mut *connection)
        .await?;
        let waiting = sqlx::query(
            "UPDATE outbox SET due_at = min(due_at, ?1) WHERE delivered_at IS NULL AND given_up_at IS NULL",
        )
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(Reopened {
            given_up: given_up.rows_affected(),
            waiting: waiting.rows_affected(),
        })
    }
}

struct Tell {
    news: News,
    until: Timestamp,
}

impl Change for Tell {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.news.put(connection).await?;
        sqlx::query("INSERT OR REPLACE INTO told (only, until) VALUES (1, ?1)")
            .bind(self.until.millis())
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
        sqlx::query("UPDATE outbox SET begun_at = ?2, tries = tries + 1 WHERE id = ?1")
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
    next: Next,
    error: String,
    now: Timestamp,
}

impl Change for NotDelivered {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (due, given_up) = match self.next {
            Next::At(due) => (due, None),
            Next::AtNextStart => (Timestamp::MAX, None),
            Next::GivenUp => (self.now, Some(self.now)),
        };
        sqlx::query(
            "UPDATE outbox SET begun_at = NULL, due_at = ?2, given_up_at = ?3, error = ?4 WHERE id = ?1",
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
