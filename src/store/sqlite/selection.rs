//! Queries that select items for the commands of the operator.

use crate::domain::{JobId, Location};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use sqlx::Row;
use std::path::PathBuf;

/// The newest item of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestItem {
    /// ID of the item.
    pub id: JobId,
    /// Location of the audio.
    pub location: Location,
    /// Path relative to the source.
    pub relative: PathBuf,
}

impl Store {
    /// Returns the IDs of existing items from `first` to `last`, in order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items_between(&self, first: JobId, last: JobId) -> Result<Vec<JobId>, StoreError> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM jobs WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
                .bind(first.0)
                .bind(last.0)
                .fetch_all(self.readers())
                .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// Returns the newest item of each recording, by ID. One whose result was set aside does not count.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn newest_items(&self) -> Result<Vec<NewestItem>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, r.kind, r.location, r.relative
             FROM (SELECT max(id) AS id, recording_id FROM jobs WHERE set_aside = 0 GROUP BY recording_id) j
             JOIN recordings r ON r.id = j.recording_id ORDER BY j.id",
        )
        .fetch_all(self.readers())
        .await?;
        let items = rows.iter().map(|found| {
            Ok(NewestItem {
                id: JobId(found.try_get("id")?),
                location: row::location(found)?,
                relative: row::path(found, "relative")?,
            })
        });
        items.collect()
    }
}
