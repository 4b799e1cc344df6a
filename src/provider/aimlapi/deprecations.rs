//! The service's list of deprecated models.

use crate::domain::model_name::canonical_model;
use crate::domain::{Timestamp, one_line};
use crate::provider::aimlapi::envelope::InvalidResponse;
use serde_json::Value;

/// State of a deprecated model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeprecationStatus {
    /// It is still served until it is shut down.
    Deprecated,
    /// Its name now refers to its replacement.
    Superseded,
    /// Submissions for it are answered with 404.
    Withdrawn,
}

/// A deprecated model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    /// ID and aliases of the model.
    pub names: Vec<String>,
    /// State of the model.
    pub status: DeprecationStatus,
    /// When it is shut down, if announced.
    pub shutdown_at: Option<Timestamp>,
    /// ID of the model to use instead, if there is one.
    pub replaced_by: Option<String>,
    /// Reason given by the service, as one line.
    pub reason: Option<String>,
}

impl Deprecation {
    /// Whether this entry concerns `model`, in any spelling.
    #[must_use]
    pub fn concerns(&self, model: &str) -> bool {
        let model = canonical_model(model);
        self.names.iter().any(|name| canonical_model(name) == model)
    }

    /// Whether the service no longer takes submissions for the model at `now`.
    #[must_use]
    pub fn is_withdrawn(&self, now: Timestamp) -> bool {
        match self.status {
            DeprecationStatus::Withdrawn => true,
            DeprecationStatus::Deprecated => self.shutdown_at.is_some_and(|time| time <= now),
            DeprecationStatus::Superseded => false,
        }
    }
}

/// Reads the list. Entries without a name or with an unknown status are skipped.
///
/// # Errors
/// Returns an error if the body is neither a JSON list nor an object with a `data` list.
pub fn read_deprecations(body: &[u8]) -> Result<Vec<Deprecation>, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let list = value.get("data").unwrap_or(&value);
    let Some(entries) = list.as_array() else {
        return Err(InvalidResponse::default());
    };
    Ok(entries.iter().filter_map(deprecation).collect())
}

fn deprecation(entry: &Value) -> Option<Deprecation> {
    let text = |key: &str| entry.get(key).and_then(first_text);
    let aliases = entry.get("aliases").and_then(Value::as_array);
    let names: Vec<_> = entry
        .get("id")
        .into_iter()
        .chain(aliases.into_iter().flatten())
        .filter_map(first_text)
        .collect();
    let status = match text("status")?.to_lowercase().as_str() {
        "deprecated" => DeprecationStatus::Deprecated,
        "superseded" => DeprecationStatus::Superseded,
        "withdrawn" => DeprecationStatus::Withdrawn,
        _ => return None,
    };
    let shutdown_at = text("shutdown_at").and_then(|time| parse_time(&time));
    (!names.is_empty()).then_some(Deprecation {
        names,
        status,
        shutdown_at,
        replaced_by: text("replaced_by"),
        reason: text("reason"),
    })
}

/// Returns a text, or the first text of a list, as one line.
fn first_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Array(items) => items.first()?.as_str()?,
        value => value.as_str()?,
    };
    Some(one_line(text)).filter(|text| !text.is_empty())
}

/// Parses a time, or a date as its first moment in UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(midnight.timestamp())
    })?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &[u8] = br##"{"object": "list", "data": [
        {"id": "openai/gpt-4o-transcribe", "aliases": ["gpt-4o-transcribe"], "status": "deprecated",
         "deprecated_at": "2026-08-26", "shutdown_at": "2027-02-26", "replaced_by": "openai/gpt-transcribe", "reason": "newer"},
        {"id": "#g1_nova-2-drivethru", "aliases": null, "status": "Withdrawn", "shutdown_at": "2026-09-01T00:00:00Z",
         "replaced_by": ["deepgram/nova-3-general"], "reason": null},
        {"id": "a", "status": "superseded", "replaced_by": "b"},
        {"id": "c", "status": "unheard of"}, {"status": "withdrawn"}, 7
    ]}"##;

    #[test]
    fn entries_are_found_by_every_spelling() {
        let list = read_deprecations(FEED).unwrap();
        assert_eq!(list.len(), 3);
        let gone = list
            .iter()
            .find(|entry| entry.concerns("deepgram/nova-2-drivethru"))
            .unwrap();
        assert_eq!(gone.replaced_by.as_deref(), Some("deepgram/nova-3-general"));
        assert!(gone.is_withdrawn(Timestamp::from_millis(0)));
        let deprecated = list
            .iter()
            .find(|entry| entry.concerns("#g1_gpt-4o-transcribe"))
            .unwrap();
        let shutdown = deprecated.shutdown_at.unwrap();
        assert_eq!(shutdown.to_string(), "2027-02-26T00:00:00Z");
        assert!(!deprecated.is_withdrawn(Timestamp::from_millis(shutdown.millis() - 1)));
        assert!(deprecated.is_withdrawn(shutdown));
        assert!(!list[2].is_withdrawn(Timestamp::MAX));
    }

    #[test]
    fn a_bare_list_is_read_and_other_bodies_are_not() {
        assert_eq!(read_deprecations(b"[]").unwrap(), []);
        for body in [&b"<html>"[..], b"{}", b"7"] {
            assert!(read_deprecations(body).is_err());
        }
    }
}
