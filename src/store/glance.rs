//! What a run looks at every second: whether another process has changed the queue, and how it stands.

use super::error::StoreError;
use super::open::Store;
use super::row;
use super::writer::Change;
use crate::domain::{JobState, Timestamp};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;

/// The queue at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Differs from the last one if another process has changed the database since.
    pub version: i64,
    /// Jobs by state; every state is there.
    pub counts: BTreeMap<JobState, u64>,
    /// When the service forgets the first of what is pending.
    pub next_expiry: Option<Timestamp>,
}

impl Store {
    /// Looks at the queue.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn glance(&self) -> Result<Glance, StoreError> {
        self.writer().write(Look).await
    }
}

/// Asked on the connection that writes, which does not count its own changes; in one statement, as an idle run does
/// nothing else.
struct Look;

impl Change for Look {
    type Reply = Glance;

    const IS_QUESTION: bool = true;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Glance, StoreError> {
        let found = sqlx::query(
            "SELECT (SELECT data_version FROM pragma_data_version) AS version,
                    (SELECT json_group_array(json_array(state, jobs)) FROM tallies) AS counts,
                    (SELECT min(expires_at) FROM jobs WHERE state = 'pending') AS next_expiry",
        )
        .fetch_one(connection)
        .await?;
        Ok(Glance {
            version: found.try_get("version")?,
            counts: row::counts(found.try_get("counts")?)?,
            next_expiry: row::time_or_none(&found, "next_expiry")?,
        })
    }
}
