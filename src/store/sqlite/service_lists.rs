//! Lists of the service, as last fetched: its catalogue of models and its deprecations.

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};

/// Name of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListName {
    /// `/v1/models`.
    Models,
    /// `/v1/models/deprecations`.
    Deprecations,
}

impl ListName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Deprecations => "deprecations",
        }
    }
}

/// A list as the service sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceList {
    /// JSON of the service.
    pub body: Vec<u8>,
    /// `ETag` of the response, if it had one.
    pub etag: Option<String>,
    /// Time of the response.
    pub fetched_at: Timestamp,
}

impl Store {
    /// Returns a list as last fetched. `None` if it never was.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn service_list(&self, name: ListName) -> Result<Option<ServiceList>, StoreError> {
        let found = sqlx::query("SELECT body, etag, fetched_at FROM service_lists WHERE name = ?1")
            .bind(name.as_str())
            .fetch_optional(self.readers())
            .await?;
        let list = found.map(|found| {
            Ok(ServiceList {
                body: found.try_get("body")?,
                etag: found.try_get("etag")?,
                fetched_at: row::time(&found, "fetched_at")?,
            })
        });
        list.transpose()
    }

    /// Replaces a list.
    ///
    /// # Errors
    /// If the database fails; the old list remains then.
    pub async fn set_service_list(
        &self,
        name: ListName,
        list: ServiceList,
    ) -> Result<(), StoreError> {
        self.writer().write(SetList { name, list }).await
    }
}

struct SetList {
    name: ListName,
    list: ServiceList,
}

impl Change for SetList {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO service_lists (name, body, etag, fetched_at) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(self.name.as_str())
        .bind(&self.list.body)
        .bind(&self.list.etag)
        .bind(self.list.fetched_at.millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}
