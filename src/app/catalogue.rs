//! Models of the service: its catalogue and its deprecations, or the built-in list.

use super::error::AppError;
use super::session::Session;
use crate::domain::Timestamp;
use crate::domain::model_name::is_same_model;
use crate::provider::Client;
use crate::provider::models::{MODELS, find};
use crate::provider::{CatalogueModel, read_catalogue};
use crate::provider::{Deprecation, DeprecationStatus, read_deprecations};
use crate::provider::{ListPath, ListResponse};
use crate::store::Store;
use crate::store::sqlite::service_lists::{ListName, ServiceList};
use serde::Serialize;
use std::time::Duration;

/// Longest wait for a list. The stored one is used afterwards.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// Age from which the catalogue is fetched again.
const MAX_CATALOGUE_AGE: Duration = Duration::from_secs(24 * 3600);
/// Age from which the deprecations are fetched again: the service's `max-age`.
const MAX_DEPRECATIONS_AGE: Duration = Duration::from_secs(300);

/// Models of the service.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    models: Vec<CatalogueModel>,
    deprecations: Vec<Deprecation>,
    /// When the catalogue was fetched. `None` if only the built-in list is known.
    pub fetched_at: Option<Timestamp>,
}

/// A model of the catalogue. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelView {
    /// Name of the model.
    pub model: String,
    /// Purpose of the model. `None` if this version does not know it.
    pub about: Option<&'static str>,
    /// State of a deprecated model.
    pub status: Option<DeprecationStatus>,
    /// When a deprecated model is shut down, if announced.
    pub ends_at: Option<Timestamp>,
    /// The model to use instead, if there is one.
    pub replaced_by: Option<String>,
}

impl Catalogue {
    /// Returns the models: those of the catalogue and the deprecated ones, or the built-in list without a catalogue.
    #[must_use]
    pub fn models(&self) -> Vec<ModelView> {
        let mut names: Vec<String> = MODELS.iter().map(|model| model.name.to_owned()).collect();
        if self.fetched_at.is_some() {
            names.retain(|name| self.is_listed(name) || self.deprecation(name).is_some());
        }
        let others = self.models.iter().map(|model| &model.id);
        for id in others {
            if !names.iter().any(|name| is_same_model(name, id)) {
                names.push(id.clone());
            }
        }
        names.into_iter().map(|name| self.model(name)).collect()
    }

    fn model(&self, model: String) -> ModelView {
        let deprecation = self.deprecation(&model);
        ModelView {
            about: find(&model).map(|found| found.about),
            status: deprecation.map(|found| found.status),
            ends_at: deprecation.and_then(|found| found.shutdown_at),
            replaced_by: deprecation.and_then(|found| found.replaced_by.clone()),
            model,
        }
    }

    /// Whether the catalogue lists the model, in any spelling.
    #[must_use]
    pub fn is_listed(&self, model: &str) -> bool {
        self.models.iter().any(|listed| listed.is(model))
    }

    /// Returns the entry of a model in the deprecations, if it has one.
    #[must_use]
    pub fn deprecation(&self, model: &str) -> Option<&Deprecation> {
        self.deprecations.iter().find(|entry| entry.concerns(model))
    }
}

/// Returns the catalogue. Asks the service if the stored one is old, and uses the stored one if the service does not answer.
///
/// Without a configuration file, only the built-in list is known.
///
/// # Errors
/// If the database or the configured address cannot be used.
pub async fn catalogue(session: &Session) -> Result<Catalogue, AppError> {
    if session.config.file.is_none() {
        return Ok(Catalogue::default());
    }
    // The lists need no key. A configured key is sent, as with every request.
    let client = session.client(session.key().unwrap_or_default())?;
    let store = session.existing_store().await?;
    let now = session.now();
    let list = async |name| current_list(&client, store.as_ref(), name, now).await;
    let (models, deprecations) =
        tokio::try_join!(list(ListName::Models), list(ListName::Deprecations))?;
    if let Some(store) = store {
        store.close().await;
    }
    let read = models
        .as_ref()
        .and_then(|list| read_catalogue(&list.body).ok());
    Ok(Catalogue {
        fetched_at: read.as_ref().and(models.map(|list| list.fetched_at)),
        models: read.unwrap_or_default(),
        deprecations: deprecations
            .and_then(|list| read_deprecations(&list.body).ok())
            .unwrap_or_default(),
    })
}

/// Returns a list: the stored one while it is fresh, else the service's, else the stored one.
async fn current_list(
    client: &Client,
    store: Option<&Store>,
    name: ListName,
    now: Timestamp,
) -> Result<Option<ServiceList>, AppError> {
    let stored = match store {
        Some(store) => store.service_list(name).await?,
        None => None,
    };
    let (path, max_age) = match name {
        ListName::Models => (ListPath::Models, MAX_CATALOGUE_AGE),
        ListName::Deprecations => (ListPath::Deprecations, MAX_DEPRECATIONS_AGE),
    };
    // A list from the future was stored before the clock was set back.
    let is_fresh =
        |list: &ServiceList| list.fetched_at <= now && now.since(list.fetched_at) < max_age;
    if stored.as_ref().is_some_and(is_fresh) {
        return Ok(stored);
    }
    let etag = stored.as_ref().and_then(|list| list.etag.as_deref());
    let fetched = match tokio::time::timeout(LIST_TIMEOUT, client.list(path, etag)).await {
        Ok(Ok(ListResponse::Body { body, .. })) if !is_readable(name, &body) => {
            Err("the answer is not such a list".to_owned())
        }
        Ok(fetched) => fetched.map_err(|error| error.failure.message),
        Err(_) => Err(format!("no answer in {} s", LIST_TIMEOUT.as_secs())),
    };
    let list = match (fetched, &stored) {
        (Ok(ListResponse::Body { body, etag }), _) => ServiceList {
            body,
            etag,
            fetched_at: now,
        },
        (Ok(ListResponse::NotModified), Some(stored)) => ServiceList {
            fetched_at: now,
            ..stored.clone()
        },
        (Ok(_), _) => return Ok(stored),
        (Err(reason), _) => {
            tracing::warn!(list = ?name, reason, "cannot fetch a list of the service");
            return Ok(stored);
        }
    };
    if let Some(store) = store {
        store.set_service_list(name, list.clone()).await?;
    }
    Ok(Some(list))
}

/// Whether the body is the list. A proxy or a login page answers with another document.
fn is_readable(name: ListName, body: &[u8]) -> bool {
    match name {
        ListName::Models => read_catalogue(body).is_ok(),
        ListName::Deprecations => read_deprecations(body).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let models = br##"{"data": [{"id": "#g1_nova-2-general"}, {"id": "acme/newest", "aliases": ["newest"]}]}"##;
        let deprecations = br#"{"data": [{"id": "deepgram/nova-2-meeting", "status": "deprecated",
            "shutdown_at": "2027-01-01T00:00:00Z", "replaced_by": "nova-3-general"}]}"#;
        Catalogue {
            models: read_catalogue(models).unwrap(),
            deprecations: read_deprecations(deprecations).unwrap(),
            fetched_at: Some(Timestamp::from_millis(0)),
        }
    }

    #[test]
    fn listed_and_deprecated_models_are_shown_once() {
        let models = catalogue().models();
        let names: Vec<_> = models.iter().map(|model| model.model.as_str()).collect();
        assert_eq!(
            names,
            ["#g1_nova-2-general", "#g1_nova-2-meeting", "acme/newest"]
        );
        assert_eq!(models[1].status, Some(DeprecationStatus::Deprecated));
        assert_eq!(models[1].replaced_by.as_deref(), Some("nova-3-general"));
        assert_eq!(models[2].about, None);
    }

    #[test]
    fn without_a_catalogue_the_built_in_list_is_shown() {
        assert_eq!(Catalogue::default().models().len(), MODELS.len());
    }
}
