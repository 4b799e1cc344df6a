//! The service's list of the key's requests. The generation of a lost response is found there by client request ID.

use crate::domain::{GenerationId, Timestamp};
use crate::provider::aimlapi::envelope::InvalidResponse;
use serde_json::Value;

/// Number of entries of a page: the service's maximum.
pub(crate) const PAGE_SIZE: usize = 100;

/// Page of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPage {
    /// Requests with both a client request ID and a generation ID.
    pub entries: Vec<LogEntry>,
    /// Number of requests on the page, including those that are not in `entries`.
    pub len: usize,
    /// Whether there are older requests.
    pub has_more: bool,
}

/// Request that the service accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Client request ID of the request.
    pub client_request_id: String,
    /// ID of the generation.
    pub generation: GenerationId,
    /// Time of acceptance, if present.
    pub created: Option<Timestamp>,
}

/// Request with its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct ChargedRequest {
    /// Client request ID of the request. `None` for a request of another program.
    pub client_request_id: Option<String>,
    /// Inference ID of the request: for a submission, its generation ID.
    pub inference_id: Option<String>,
    /// ID that the service gave the request, or the generation ID if there is none.
    pub request_id: Option<String>,
    /// Time of acceptance, if present.
    pub created: Option<Timestamp>,
    /// Model of the request.
    pub model: Option<String>,
    /// Whether the request succeeded. True if the entry has no status.
    pub succeeded: bool,
    /// Cost in US dollars, if present.
    pub usd: Option<f64>,
}

/// Page of requests with their costs, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ChargedPage {
    /// Requests of the page.
    pub requests: Vec<ChargedRequest>,
    /// Whether there are older requests.
    pub has_more: bool,
}

/// Response to a request for a page.
#[derive(Debug, Clone, PartialEq)]
pub enum LogsResponse {
    /// A page of the list.
    Page(LogPage),
    /// The service has no such list, or not for this account.
    Unsupported,
}

/// Reads a page. Entries without a client request ID or a generation ID are skipped.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub(crate) fn read_page(body: &[u8]) -> Result<LogPage, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let Some(data) = value.get("data").and_then(Value::as_array) else {
        return Err(InvalidResponse::default());
    };
    let has_more = value
        .pointer("/pagination/has_more")
        .and_then(Value::as_bool);
    Ok(LogPage {
        entries: data.iter().filter_map(entry).collect(),
        len: data.len(),
        has_more: has_more.unwrap_or(data.len() >= PAGE_SIZE),
    })
}

/// Reads a page with costs.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub(crate) fn read_charges(body: &[u8]) -> Result<ChargedPage, InvalidResponse> {
    let LogPage { has_more, .. } = read_page(body)?;
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let data = value.get("data").and_then(Value::as_array);
    let requests = data.into_iter().flatten().map(charged).collect();
    Ok(ChargedPage { requests, has_more })
}

fn charged(item: &Value) -> ChargedRequest {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    ChargedRequest {
        client_request_id: text("client_request_id"),
        inference_id: text("inference_id"),
        request_id: text("request_id").or_else(|| text("inference_id")),
        created: created(item),
        model: text("model"),
        succeeded: text("status").is_none_or(|status| status.eq_ignore_ascii_case("succeeded")),
        usd: item.pointer("/cost/usd").and_then(Value::as_f64),
    }
}

fn entry(item: &Value) -> Option<LogEntry> {
    Some(LogEntry {
        client_request_id: item.get("client_request_id")?.as_str()?.to_owned(),
        generation: GenerationId::new(item.get("inference_id")?.as_str()?)?,
        created: created(item),
    })
}

fn created(item: &Value) -> Option<Timestamp> {
    read_time(item.get("created")?)
}

/// Reads a time: ISO 8601, or a number of seconds or milliseconds.
pub(crate) fn read_time(time: &Value) -> Option<Timestamp> {
    let created = match time {
        Value::String(text) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_millisecond),
        // A larger number is milliseconds: as seconds it would be after the year 5138.
        Value::Number(number) => number.as_f64().map(|time| {
            if time > 1e11 {
                time as i64
            } else {
                (time * 1000.0) as i64
            }
        }),
        _ => None,
    };
    created.map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_without_both_ids_are_skipped() {
        let body = br#"{"data": [
            {"created": "2026-05-01T00:00:01.500Z", "status": "succeeded", "inference_id": "g-1", "client_request_id": "ns-1"},
            {"created": 1777593600, "inference_id": "g-2", "client_request_id": "ns-2"},
            {"inference_id": "g-3", "client_request_id": "ns-3"},
            {"inference_id": null, "client_request_id": "ns-4"}, {"inference_id": "g-5"}, 7
        ], "pagination": {"limit": 100, "offset": 0, "total": 900, "has_more": true}}"#;
        let page = read_page(body).unwrap();
        assert_eq!((page.len, page.has_more), (6, true));
        let found: Vec<_> = page
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.generation.as_str(),
                    entry.created.map(Timestamp::millis),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("g-1", Some(1_777_593_601_500)),
                ("g-2", Some(1_777_593_600_000)),
                ("g-3", None)
            ]
        );
    }

    #[test]
    fn a_page_gives_costs() {
        let body = br#"{"data": [
            {"created": 1777593600, "status": "succeeded", "model": "m", "cost": {"usd": 0.5, "credits": 1}, "request_id": "r-1",
             "client_request_id": "ns-1"},
            {"status": "Failed", "inference_id": "g-2"}
        ]}"#;
        let page = read_charges(body).unwrap();
        assert!(!page.has_more);
        let [first, second] = page.requests.as_slice() else {
            panic!("{page:?}");
        };
        assert_eq!((first.usd, first.succeeded), (Some(0.5), true));
        assert_eq!(first.client_request_id.as_deref(), Some("ns-1"));
        assert_eq!((second.usd, second.succeeded), (None, false));
        assert_eq!(second.request_id.as_deref(), Some("g-2"));
    }

    #[test]
    fn without_pagination_a_full_page_has_more() {
        assert!(!read_page(br#"{"data": []}"#).unwrap().has_more);
        let full = format!(r#"{{"data": [{}]}}"#, vec!["{}"; PAGE_SIZE].join(","));
        assert!(read_page(full.as_bytes()).unwrap().has_more);
        assert!(read_page(b"<html>").is_err());
        assert!(read_page(b"[]").is_err());
    }
}
