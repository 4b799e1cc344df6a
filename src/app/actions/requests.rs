//! Actions as programs request them, in JSON.

use super::cancel::{Cancelled, cancel};
use super::pause::{PauseResult, pause};
use super::retry::{Requeued, retry};
use crate::app::request_error::RequestError;
use crate::app::session::Session;
use crate::domain::{ErrorClass, JobId};
use crate::policy::hours::TimeOfDay;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::operator::RetryFilter;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Items to requeue, as the options of `retry` select them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// IDs of failed, cancelled or excluded items.
    #[schemars(length(min = 1))]
    ids: Option<Vec<i64>>,
    /// All failed items.
    #[serde(default)]
    failed: bool,
    /// Failed items with this class of error.
    #[serde(default)]
    #[schemars(schema_with = "error_classes")]
    error: Option<String>,
    /// Failed items of this source.
    source: Option<String>,
    /// Submit the items of `ids` although their files are truncated.
    #[serde(default)]
    as_is: bool,
}

impl RetryRequest {
    /// Requeues the items. Their next submissions are charged.
    ///
    /// # Errors
    /// If the request selects no items or contradicts itself, no source has the requested name, or the database fails.
    pub async fn perform(self, session: &Session) -> Result<Requeued, RequestError> {
        Ok(retry(session, self.filter()?).await?)
    }

    fn filter(self) -> Result<RetryFilter, RequestError> {
        let has_filter = self.failed || self.error.is_some() || self.source.is_some();
        match &self.ids {
            // Without items, the filter would select all failed ones.
            Some(ids) if ids.is_empty() => {
                return Err(RequestError::invalid("`ids`: expected at least one"));
            }
            None if self.as_is => return Err(RequestError::invalid("`as_is` requires `ids`")),
            None if !has_filter => {
                let reason = "one of `ids`, `failed`, `error` and `source` is required";
                return Err(RequestError::invalid(reason));
            }
            _ => {}
        }
        let error = self.error.as_deref().map(str::parse).transpose();
        let error: Option<ErrorClass> =
            error.map_err(|error| RequestError::invalid(format!("`error`: {error}")))?;
        Ok(RetryFilter {
            jobs: self.ids.into_iter().flatten().map(JobId).collect(),
            // The approval concerns no other failure.
            class: if self.as_is {
                Some(ErrorClass::Unreadable)
            } else {
                error
            },
            source: self.source,
            as_is: self.as_is,
        })
    }
}

fn error_classes(_: &mut SchemaGenerator) -> Schema {
    let names = ErrorClass::ALL.map(ErrorClass::as_str);
    json_schema!({ "anyOf": [{ "type": "string", "enum": names }, { "type": "null" }] })
}

/// Items to cancel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// IDs of the items.
    ids: Vec<i64>,
}

impl CancelRequest {
    /// Cancels the items.
    ///
    /// # Errors
    /// If the database fails. No item is changed then.
    pub async fn perform(self, session: &Session) -> Result<Cancelled, RequestError> {
        let items = self.ids.into_iter().map(JobId).collect();
        Ok(cancel(session, items).await?)
    }
}

/// End of a pause.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// Time of day at which the pause ends, in the time zone of this machine, such as `06:00`. Without it, `resume` ends the pause.
    until: Option<String>,
}

impl PauseRequest {
    /// Pauses submissions.
    ///
    /// # Errors
    /// If the time is not valid, there is no configuration file, or the database fails.
    pub async fn perform(self, session: &Session) -> Result<PauseResult, RequestError> {
        let (now, zone) = (session.now(), SystemClock.zone());
        let until = self.until.as_deref().map(str::parse::<TimeOfDay>);
        let until = until.transpose();
        let until = until.map_err(|error| RequestError::invalid(format!("`until`: {error}")))?;
        let until = match until {
            None => None,
            Some(time) => {
                let next = time.next_after(now, &zone);
                let unknown = || RequestError::invalid("`until`: cannot compute the time");
                Some(next.ok_or_else(unknown)?)
            }
        };
        pause(session, until, &zone).await?;
        Ok(PauseResult {
            is_paused: true,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn filter(request: Value) -> Result<RetryFilter, String> {
        let request: RetryRequest = serde_json::from_value(request).unwrap();
        request.filter().map_err(|error| error.to_string())
    }

    #[test]
    fn a_retry_selects_items_or_failures() {
        assert_eq!(
            filter(json!({ "ids": [3, 4] })).unwrap().jobs,
            [JobId(3), JobId(4)]
        );
        assert!(filter(json!({ "failed": true })).unwrap().jobs.is_empty());
        let of_class = filter(json!({ "error": "network" })).unwrap();
        assert_eq!(of_class.class, Some(ErrorClass::Network));
        let as_is = filter(json!({ "ids": [3], "as_is": true, "error": "network" })).unwrap();
        assert_eq!(as_is.class, Some(ErrorClass::Unreadable));
    }

    #[test]
    fn a_retry_that_would_select_everything_is_refused() {
        for request in [
            json!({}),
            json!({ "ids": [] }),
            json!({ "ids": [], "failed": true }),
            json!({ "failed": false }),
            json!({ "failed": true, "as_is": true }),
            json!({ "error": "x" }),
        ] {
            assert!(filter(request.clone()).is_err(), "{request}");
        }
    }
}
