//! Models that the service does not offer, as this run has found out.

use crate::domain::Failure;
use crate::domain::model_name::canonical_model;
use crate::provider::Client;
use crate::provider::Deprecation;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Age from which the list of deprecations is fetched again: the service's `max-age`.
const MAX_LIST_AGE: Duration = Duration::from_secs(300);
/// Longest wait for the list. A recording that failed waits for it, but nothing else does.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// Refused submissions of a model after which its other recordings are not sent, although the service does not list it as
/// withdrawn. A single 404 may be a passing fault of the service.
const MAX_REFUSALS: u32 = 3;

/// Models that the service does not offer. Their recordings fail without an upload.
#[derive(Debug, Default)]
pub struct WithdrawnModels {
    refused: Mutex<BTreeMap<String, RefusedModel>>,
    list: tokio::sync::Mutex<Option<FetchedList>>,
}

#[derive(Debug)]
struct RefusedModel {
    refusals: u32,
    is_listed: bool,
    failure: Failure,
}

#[derive(Debug)]
struct FetchedList {
    at: Instant,
    deprecations: Vec<Deprecation>,
}

impl WithdrawnModels {
    /// Returns the failure of a recording for `model`, a canonical name, if the service certainly does not offer the model.
    #[must_use]
    pub fn failure(&self, model: &str) -> Option<Failure> {
        let refused = self.refused();
        let found = refused.get(model)?;
        (found.is_listed || found.refusals >= MAX_REFUSALS).then(|| found.failure.clone())
    }

    /// Records that the service refused a submission because it does not offer `model`. `is_listed` is whether its list of
    /// deprecations names the model as withdrawn.
    pub fn record_refusal(&self, model: &str, failure: Failure, is_listed: bool) {
        let mut refused = self.refused();
        let found = refused
            .entry(canonical_model(model))
            .or_insert_with(|| RefusedModel {
                refusals: 0,
                is_listed,
                failure,
            });
        found.refusals += 1;
        found.is_listed |= is_listed;
    }

    /// Records that the service accepted a submission of `model`.
    pub fn record_acceptance(&self, model: &str) {
        let mut refused = self.refused();
        if !refused.is_empty() {
            refused.remove(&canonical_model(model));
        }
    }

    /// Returns the entry of `model` in the service's list of deprecations, if it has one. Concurrent callers share one
    /// request. A list that cannot be fetched counts as empty.
    pub async fn deprecation(&self, client: &Client, model: &str) -> Option<Deprecation> {
        let mut list = self.list.lock().await;
        if list
            .as_ref()
            .is_none_or(|list| list.at.elapsed() > MAX_LIST_AGE)
        {
            let fetched = tokio::time::timeout(LIST_TIMEOUT, client.deprecations()).await;
            let deprecations = match fetched {
                Ok(Ok(found)) => found.unwrap_or_default(),
                Ok(Err(error)) => {
                    tracing::debug!(error = %error, "cannot fetch the list of deprecated models");
                    Vec::new()
                }
                Err(_) => Vec::new(),
            };
            *list = Some(FetchedList {
                at: Instant::now(),
                deprecations,
            });
        }
        let deprecations = &list.as_ref()?.deprecations;
        deprecations
            .iter()
            .find(|entry| entry.concerns(model))
            .cloned()
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<String, RefusedModel>> {
        // Poisoning can be ignored: no code panics in the middle of a change.
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the failure of a submission of a model that the service does not offer, with its replacement.
#[must_use]
pub fn explained(failure: &Failure, model: &str, deprecation: Option<&Deprecation>) -> Failure {
    let replacement = deprecation.and_then(|found| found.replaced_by.as_deref());
    let advice = match (deprecation, replacement) {
        (_, Some(replacement)) => format!("; `{model}` is replaced by `{replacement}`"),
        (Some(_), None) => format!("; `{model}` is withdrawn"),
        (None, None) => format!("; the model is `{model}`"),
    };
    Failure::new(failure.class, format!("{}{advice}", failure.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorClass;
    use crate::provider::DeprecationStatus;

    fn failure() -> Failure {
        Failure::new(
            ErrorClass::Rejected,
            "the service does not offer this model (404)",
        )
    }

    #[test]
    fn a_listed_model_fails_from_its_first_refusal() {
        let models = WithdrawnModels::default();
        models.record_refusal("#g1_nova-2-general", failure(), true);
        assert_eq!(models.failure("nova-2-general"), Some(failure()));
        assert_eq!(models.failure("nova-2-meeting"), None);
        models.record_acceptance("deepgram/nova-2-general");
        assert_eq!(models.failure("nova-2-general"), None);
    }

    #[test]
    fn an_unlisted_model_fails_after_several_refusals() {
        let models = WithdrawnModels::default();
        for _ in 1..MAX_REFUSALS {
            models.record_refusal("a", failure(), false);
            assert_eq!(models.failure("a"), None);
        }
        models.record_refusal("a", failure(), false);
        assert_eq!(models.failure("a"), Some(failure()));
    }

    #[test]
    fn the_message_names_the_replacement() {
        let mut deprecation = Deprecation {
            names: vec!["old".to_owned()],
            status: DeprecationStatus::Withdrawn,
            shutdown_at: None,
            replaced_by: Some("new".to_owned()),
            reason: None,
        };
        let text = |found: Option<&Deprecation>| explained(&failure(), "old", found).message;
        assert!(text(Some(&deprecation)).ends_with("(404); `old` is replaced by `new`"));
        deprecation.replaced_by = None;
        assert!(text(Some(&deprecation)).ends_with("; `old` is withdrawn"));
        assert!(text(None).ends_with("; the model is `old`"));
    }
}
