//! Holds that concern all sources.

use crate::domain::{Hold, HoldKind, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::outbox_message::OutboxMessage;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};

impl Store {
    /// Returns the holds in force that concern all sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let rows =
            sqlx::query("SELECT kind, since, ends_at, message FROM holds ORDER BY since, kind")
                .fetch_all(self.readers())
                .await?;
        rows.iter()
            .map(|found| {
                Ok(Hold {
                    kind: row::parse(found, "kind")?,
                    source: None,
                    since: row::time(found, "since")?,
                    ends: row::time_or_none(found, "ends_at")?,
                    message: found.try_get("message")?,
                })
            })
            .collect()
    }

    /// Holds submissions. A hold already in force keeps its start time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hold(&self, hold: Hold) -> Result<(), StoreError> {
        self.hold_and_notify(hold, None).await
    }

    /// Holds submissions and enqueues a notification in the same commit.
    ///
    /// No notification is enqueued if the hold is already in force.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hold_and_notify(
        &self,
        hold: Hold,
        message: Option<OutboxMessage>,
    ) -> Result<(), StoreError> {
        let set = self.writer().write(SetHold { hold, message });
        failpoint::around("store.hold", set).await
    }

    /// Releases a hold. Returns whether it was in force.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn release(&self, kind: HoldKind) -> Result<bool, StoreError> {
        failpoint::around("store.release", self.writer().write(Release { kind })).await
    }
}

struct SetHold {
    hold: Hold,
    message: Option<OutboxMessage>,
}

impl Change for SetHold {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        if let Some(message) = &self.message {
            let in_force: i64 = sqlx::query_scalar("SELECT count(*) FROM holds WHERE kind = ?1")
                .bind(self.hold.kind.as_str())
                .fetch_one(&mut *connection)
                .await?;
            if in_force == 0 {
                message.insert(connection).await?;
            }
        }
        sqlx::query(
            "INSERT INTO holds (kind, since, message, ends_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind) DO UPDATE SET message = excluded.message, ends_at = excluded.ends_at",
        )
        .bind(self.hold.kind.as_str())
        .bind(self.hold.since.millis())
        .bind(&self.hold.message)
        .bind(self.hold.ends.map(Timestamp::millis))
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Release {
    kind: HoldKind,
}

impl Change for Release {
    type Reply = bool;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let released = sqlx::query("DELETE FROM holds WHERE kind = ?1")
            .bind(self.kind.as_str())
            .execute(connection)
            .await?;
        Ok(released.rows_affected() == 1)
    }
}
