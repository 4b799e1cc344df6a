//! Comparison of the recorded submissions with the charges that the service lists.

use super::charges::listed_charges;
use super::error::AppError;
use super::session::Session;
use crate::domain::Timestamp;
use crate::domain::readable_path::serialize_path;
use crate::provider::ChargedRequest;
use crate::store::sqlite::billing::{BillingEntry, BillingState};
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// Tolerated clock difference to the service. Widens the requested time range.
const CLOCK_SKEW: Duration = Duration::from_secs(300);
/// Time the service may need to list a new request.
const LISTING_DELAY: Duration = Duration::from_secs(600);

/// Difference between the queue and the service's list, for one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// The service completed the request, but its transcript is not stored.
    PaidForNothing {
        /// Path relative to the source.
        #[serde(serialize_with = "serialize_path")]
        recording: PathBuf,
        /// Value of `X-Client-Request-Id`.
        client_request_id: String,
        /// Charge, if listed.
        usd: Option<f64>,
    },
    /// The transcript is stored, but the service does not list the request.
    Unlisted {
        /// Path relative to the source.
        #[serde(serialize_with = "serialize_path")]
        recording: PathBuf,
        /// Value of `X-Client-Request-Id`.
        client_request_id: String,
    },
    /// The transcript is stored, but the service lists the request as failed.
    ListedAsFailed {
        /// Path relative to the source.
        #[serde(serialize_with = "serialize_path")]
        recording: PathBuf,
        /// Value of `X-Client-Request-Id`.
        client_request_id: String,
    },
    /// The service lists a request that this queue did not submit.
    NotFromHere {
        /// ID of the request at the service.
        request_id: String,
        /// Model, if listed.
        model: Option<String>,
        /// Time of the request, if listed.
        created: Option<Timestamp>,
        /// Charge, if listed.
        usd: Option<f64>,
    },
}

/// Fetches the service's list of charges and returns every difference.
///
/// # Errors
/// If there is no key, or the list is unavailable or cannot be read.
pub(super) async fn reconcile(
    session: &Session,
    entries: &[BillingEntry],
    since: Timestamp,
) -> Result<Vec<Difference>, AppError> {
    let client = session.client(session.key()?)?;
    let now = session.now();
    let first = entries.iter().map(|entry| entry.at).min().unwrap_or(now);
    let start = first.max(since).before(CLOCK_SKEW);
    let charged = listed_charges(&client, entries, start, now.after(CLOCK_SKEW)).await?;
    Ok(differences(entries, &charged, now))
}

/// Compares the recorded entries with the listed requests.
fn differences(
    entries: &[BillingEntry],
    charged: &[ChargedRequest],
    now: Timestamp,
) -> Vec<Difference> {
    let mut listed: HashMap<&str, &ChargedRequest> = HashMap::new();
    for request in charged {
        if let Some(id) = &request.client_request_id {
            listed.insert(id, request);
        }
    }
    let mut differences = Vec::new();
    for entry in entries {
        let Some(id) = &entry.client_request_id else {
            continue;
        };
        let (recording, client_request_id) = (entry.relative.clone(), id.clone());
        match (entry.state, listed.remove(id.as_str())) {
            (BillingState::Uncertain | BillingState::NotBilled, Some(request))
                if request.succeeded =>
            {
                differences.push(Difference::PaidForNothing {
                    recording,
                    client_request_id,
                    usd: request.usd,
                });
            }
            (BillingState::Billed, None) if now.since(entry.at) > LISTING_DELAY => {
                differences.push(Difference::Unlisted {
                    recording,
                    client_request_id,
                });
            }
            (BillingState::Billed, Some(request)) if !request.succeeded => {
                differences.push(Difference::ListedAsFailed {
                    recording,
                    client_request_id,
                });
            }
            _ => {}
        }
    }
    let foreign = charged.iter().filter(|request| {
        let is_unmatched = |id: &String| listed.contains_key(id.as_str());
        request.succeeded && request.client_request_id.as_ref().is_none_or(is_unmatched)
    });
    differences.extend(foreign.map(|request| {
        Difference::NotFromHere {
            request_id: request
                .request_id
                .clone()
                .or_else(|| request.client_request_id.clone())
                .unwrap_or_default(),
            model: request.model.clone(),
            created: request.created,
            usd: request.usd,
        }
    }));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, charge: BillingState) -> BillingEntry {
        BillingEntry {
            source: "s".to_owned(),
            model: "m".to_owned(),
            relative: id.into(),
            client_request_id: Some(id.to_owned()),
            generation_id: None,
            at: Timestamp::from_millis(0),
            state: charge,
            is_bound: false,
            audio_s: 1.0,
            charged_usd: None,
        }
    }

    fn request(id: Option<&str>, succeeded: bool) -> ChargedRequest {
        ChargedRequest {
            client_request_id: id.map(str::to_owned),
            request_id: Some("r".to_owned()),
            inference_id: None,
            created: None,
            model: None,
            succeeded,
            usd: Some(0.5),
        }
    }

    #[test]
    fn every_difference_is_named_and_nothing_else() {
        let entries = [
            entry("same", BillingState::Billed),
            entry("lost", BillingState::Uncertain),
            entry("refused", BillingState::NotBilled),
            entry("unlisted", BillingState::Billed),
            entry("failed", BillingState::Billed),
            entry("pending", BillingState::Pending),
        ];
        let charged = [
            request(Some("same"), true),
            request(Some("lost"), true),
            request(Some("failed"), false),
            request(Some("pending"), true),
            request(Some("another queue's"), true),
            request(None, true),
            request(None, false),
        ];
        let named: Vec<_> = differences(&entries, &charged, Timestamp::from_millis(3_600_000))
            .iter()
            .map(|difference| serde_json::to_string(difference).unwrap())
            .collect();
        insta::assert_snapshot!(named.join("\n"));
    }

    #[test]
    fn a_recent_request_may_not_be_listed_yet() {
        let entries = [entry("new", BillingState::Billed)];
        assert_eq!(differences(&entries, &[], Timestamp::from_millis(1000)), []);
    }
}
