//! Models of the sources: whether the service still offers them.

use super::check_result::{CheckResult, CheckStatus};
use crate::app::catalogue::{Catalogue, catalogue};
use crate::app::session::Session;
use crate::domain::Timestamp;
use crate::domain::local_time::format_date_time;
use crate::provider::DeprecationStatus;
use crate::provider::models::shown_name;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// Checks each model of the sources against the service's catalogue and its deprecations.
pub(super) async fn check(session: &Session) -> Vec<CheckResult> {
    let catalogue = match catalogue(session).await {
        Ok(catalogue) => catalogue,
        Err(error) => return vec![CheckResult::from_result("models", Err(error.into()))],
    };
    let zone = SystemClock.zone();
    let sources = session.config.sources.iter();
    let models: BTreeSet<_> = sources
        .map(|source| shown_name(source.request.model()))
        .collect();
    models
        .iter()
        .map(|model| check_model(&catalogue, model, session.now(), &zone))
        .collect()
}

fn check_model(catalogue: &Catalogue, model: &str, now: Timestamp, zone: &TimeZone) -> CheckResult {
    let (status, message) = match catalogue.deprecation(model) {
        Some(found) => {
            let replacement = found.replaced_by.as_ref();
            let advice = replacement.map_or_else(String::new, |name| format!("; use `{name}`"));
            let (status, state) = match (found.status, found.shutdown_at) {
                _ if found.is_withdrawn(now) => (CheckStatus::Failed, "is withdrawn".to_owned()),
                (DeprecationStatus::Superseded, _) => {
                    (CheckStatus::Warning, "is superseded".to_owned())
                }
                (_, Some(time)) => (
                    CheckStatus::Warning,
                    format!("is deprecated and ends on {}", format_date_time(time, zone)),
                ),
                (_, None) => (CheckStatus::Warning, "is deprecated".to_owned()),
            };
            (status, format!("`{model}` {state}{advice}"))
        }
        None => match catalogue.fetched_at {
            Some(time) if !catalogue.is_listed(model) => (
                CheckStatus::Warning,
                format!(
                    "`{model}` is not in the service's catalogue of {}",
                    format_date_time(time, zone)
                ),
            ),
            Some(_) => (
                CheckStatus::Passed,
                format!("`{model}` is in the service's catalogue"),
            ),
            None => (
                CheckStatus::Passed,
                format!("`{model}`; the service's catalogue is not known"),
            ),
        },
    };
    CheckResult::new(status, "model", message)
}
