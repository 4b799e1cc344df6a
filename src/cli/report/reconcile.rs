//! What the service's list of requests says, beside what is recorded here.

use crate::api::{Charged, Client, Settings};
use crate::cli::exit::{Exit, Report};
use crate::cli::session::Session;
use crate::cli::terminal::{shown, visible};
use crate::config::read_key;
use crate::domain::Timestamp;
use crate::store::bill::{Charge, Entry};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Before the first submission: the service's clock and ours may differ.
const EARLIER: Duration = Duration::from_secs(300);
/// What the service may still be about to list.
const LATELY: Duration = Duration::from_secs(600);

/// One request on which the two do not agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Difference {
    /// The service lists it as done, and its transcript is not here.
    PaidForNothing {
        recording: PathBuf,
        client_request_id: String,
        usd: Option<f64>,
    },
    /// Its transcript is here, and the service does not list it.
    Unlisted {
        recording: PathBuf,
        client_request_id: String,
    },
    /// Its transcript is here, and the service lists it as failed.
    ListedAsFailed {
        recording: PathBuf,
        client_request_id: String,
    },
    /// The service lists it, and nothing here has asked for it.
    NotFromHere {
        request_id: String,
        model: Option<String>,
        created: Option<Timestamp>,
        usd: Option<f64>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |usd: &Option<f64>| usd.map_or_else(String::new, |usd| format!(", {usd} USD"));
        match self {
            Self::PaidForNothing {
                recording,
                client_request_id,
                usd,
            } => write!(
                f,
                "{}: the service did it, and its transcript did not arrive (request {client_request_id}{})",
                shown(recording),
                cost(usd)
            ),
            Self::Unlisted {
                recording,
                client_request_id,
            } => write!(
                f,
                "{}: its transcript is here, and the service does not list it (request {client_request_id})",
                shown(recording)
            ),
            Self::ListedAsFailed {
                recording,
                client_request_id,
            } => write!(
                f,
                "{}: its transcript is here, and the service lists it as failed (request {client_request_id})",
                shown(recording)
            ),
            Self::NotFromHere {
                request_id,
                model,
                created,
                usd,
            } => write!(
                f,
                "request {} of {}: not from this queue ({}{})",
                visible(request_id),
                created.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string()),
                visible(model.as_deref().unwrap_or("no model named")),
                cost(usd)
            ),
        }
    }
}

/// Asks the service for its list, and names every difference.
pub(super) async fn reconcile(
    session: &Session,
    entries: &[Entry],
    since: Timestamp,
) -> Result<Vec<Difference>, Report> {
    let key = read_key(&session.config.api.key, &session.environment)?;
    let client = Client::new(&Settings {
        base_url: session.config.api.base_url.clone(),
        key,
        flow: session.config.api.flow,
    })
    .map_err(|error| Report::of(Exit::Usage, &error))?;
    let now = session.now();
    let first = entries.iter().map(|entry| entry.at).min().unwrap_or(now);
    let start = first.max(since).before(EARLIER);
    let mut charged = Vec::new();
    loop {
        let page = client
            .charged(start, now.after(EARLIER), charged.len())
            .await;
        let page = page.map_err(|error| {
            let message = format!(
                "the service's list of requests cannot be read: {}",
                error.failure.message
            );
            Report::new(Exit::SomeFailed, message)
        })?;
        let Some(page) = page else {
            let message =
                "this service has no list of requests (`/v2/logs`), or not for this account";
            return Err(Report::new(Exit::SomeFailed, message));
        };
        let empty = page.requests.is_empty();
        charged.extend(page.requests);
        if !page.has_more || empty {
            return Ok(differences(entries, &charged, now));
        }
    }
}

/// Every request on which the two do not agree.
fn differences(entries: &[Entry], charged: &[Charged], now: Timestamp) -> Vec<Difference> {
    let mut listed: HashMap<&str, &Charged> = HashMap::new();
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
        match (entry.charge, listed.remove(id.as_str())) {
            (Charge::Doubtful | Charge::Free, Some(request)) if request.succeeded => {
                differences.push(Difference::PaidForNothing {
                    recording,
                    client_request_id,
                    usd: request.usd,
                });
            }
            (Charge::Billed, None) if now.since(entry.at) > LATELY => {
                differences.push(Difference::Unlisted {
                    recording,
                    client_request_id,
                });
            }
            (Charge::Billed, Some(request)) if !request.succeeded => {
                differences.push(Difference::ListedAsFailed {
                    recording,
                    client_request_id,
                });
            }
            _ => {}
        }
    }
    let foreign = charged.iter().filter(|request| {
        let is_left = |id: &String| listed.contains_key(id.as_str());
        request.succeeded && request.client_request_id.as_ref().is_none_or(is_left)
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

    fn entry(id: &str, charge: Charge) -> Entry {
        Entry {
            source: "s".to_owned(),
            model: "m".to_owned(),
            relative: id.into(),
            client_request_id: Some(id.to_owned()),
            at: Timestamp::from_millis(0),
            charge,
            audio_s: 1.0,
        }
    }

    fn request(id: Option<&str>, succeeded: bool) -> Charged {
        Charged {
            client_request_id: id.map(str::to_owned),
            request_id: Some("r".to_owned()),
            created: None,
            model: None,
            succeeded,
            usd: Some(0.5),
        }
    }

    #[test]
    fn every_difference_is_named_and_nothing_else() {
        let entries = [
            entry("same", Charge::Billed),
            entry("lost", Charge::Doubtful),
            entry("refused", Charge::Free),
            entry("unlisted", Charge::Billed),
            entry("failed", Charge::Billed),
            entry("pending", Charge::Pending),
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
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(named.join("\n"));
    }

    #[test]
    fn what_was_done_a_moment_ago_may_not_be_listed_yet() {
        let entries = [entry("new", Charge::Billed)];
        assert_eq!(differences(&entries, &[], Timestamp::from_millis(1000)), []);
    }
}
