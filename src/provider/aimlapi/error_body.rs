//! Body of an error response: who wrote it, and its message.

use crate::domain::one_line;
use crate::provider::aimlapi::error_text::json_message;
use crate::provider::http::page::{essence, is_page, without_bom};
use serde_json::Value;

/// Author of an error response, recognized by its form.
///
/// Proxies, firewalls and gateways answer in place of the service, with its statuses. Only the form tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The service: JSON in one of its two error forms.
    Service,
    /// Unclear: other JSON, plain text, or no body.
    Unknown,
    /// A program between here and the service: an HTML or XML page. The service answers only in JSON.
    Network,
}

/// Returns the author of a response with this media type (the `Content-Type` header) and body.
#[must_use]
pub fn author(media_type: Option<&str>, body: &[u8]) -> Author {
    if is_page(media_type, body) {
        return Author::Network;
    }
    let is_json = media_type.is_none_or(|value| {
        let essence = essence(value);
        essence.ends_with("/json") || essence.ends_with("+json")
    });
    let json = serde_json::from_slice(without_bom(body));
    if is_json && json.is_ok_and(|value| is_service_form(&value)) {
        Author::Service
    } else {
        Author::Unknown
    }
}

/// Whether JSON has one of the service's error forms: `{message, path, requestId, statusCode, timestamp}`, or the
/// problem document `{title, status, message, error}`. Fields other than the message may be missing.
fn is_service_form(value: &Value) -> bool {
    let is_text = |value: &Value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(lines) => !lines.is_empty() && lines.iter().all(Value::is_string),
        _ => false,
    };
    let has_message = |value: &Value| value.get("message").is_some_and(is_text);
    let is_problem = value.get("title").is_some_and(is_text);
    has_message(value) || is_problem && value.get("error").is_some_and(has_message)
}

/// Returns the message of an error body as one clean line.
///
/// The message is a JSON field (`message`, `detail`, `error`, `title` or `name`), or the title or text of an HTML page.
/// Empty if there is none.
#[must_use]
pub fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(without_bom(body));
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => one_line(&json_message(&value).unwrap_or_default()),
        Err(_) => one_line(&html_text(&text)),
    }
}

fn html_text(text: &str) -> String {
    let Some(start) = text.find('<') else {
        return text.to_owned();
    };
    let page = &text[start..];
    if let Some(title) = between(page, "<title>", "</title>") {
        return title.to_owned();
    }
    let mut in_tag = false;
    page.chars()
        .filter_map(|char| match char {
            '<' => {
                in_tag = true;
                Some(' ')
            }
            '>' if in_tag => {
                in_tag = false;
                None
            }
            _ if in_tag => None,
            char => Some(char),
        })
        .collect()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find(open)? + open.len();
    let end = start + lower[start..].find(close)?;
    Some(&text[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_forms_of_the_service_are_its_own() {
        let json = Some("application/json; charset=utf-8");
        let service = [
            (
                json,
                r#"{"message":"no","path":"/v1/stt","requestId":"r","statusCode":"401","timestamp":"t"}"#,
            ),
            (json, r#"{"message":["a must be b"],"statusCode":400}"#),
            (
                Some("application/problem+json"),
                r#"{"title":"T","status":401,"error":{"name":"N","message":"no"}}"#,
            ),
            (None, "\u{feff}{\"message\":\"no\"}"),
        ];
        let unknown = [
            (json, r#"{"error":"blocked by policy"}"#),
            (
                json,
                r#"{"success":false,"errors":[{"code":1020,"message":"denied"}]}"#,
            ),
            (
                json,
                r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"denied"}"#,
            ),
            (json, r#"{"error":{"code":403,"message":"denied"}}"#),
            (json, r#"{"message":""}"#),
            (json, r#"[{"message":"no"}]"#),
            (json, r#"{"message":"cut"#),
            (json, ""),
            (None, ""),
            (Some("text/plain"), "RBAC: access denied"),
            (Some("text/plain"), r#"{"message":"no"}"#),
        ];
        let network = [
            (Some("text/html; charset=utf-8"), "Blocked"),
            (Some("TEXT/HTML"), r#"{"message":"no"}"#),
            (None, " \r\n<!DOCTYPE html><title>Blocked</title>"),
            (json, "<html>"),
            (
                Some("application/xml"),
                "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
            ),
        ];
        for (cases, expected) in [
            (&service[..], Author::Service),
            (&unknown[..], Author::Unknown),
            (&network[..], Author::Network),
        ] {
            for (media_type, body) in cases {
                assert_eq!(
                    author(*media_type, body.as_bytes()),
                    expected,
                    "{media_type:?} {body}"
                );
            }
        }
    }

    #[test]
    fn json_and_html_bodies_give_their_message() {
        let bodies = [
            (
                r#"{"message":"no such model","path":"/v1/stt","requestId":"r","statusCode":"400"}"#,
                "no such model",
            ),
            (
                r#"{"title":"Bad","status":400,"error":{"name":"E","message":"bad audio"}}"#,
                "bad audio",
            ),
            (r#"{"title":"Bad Request","status":400}"#, "Bad Request"),
            (
                r#"{"message":["a must be b","c must be d"],"statusCode":400}"#,
                "a must be b; c must be d",
            ),
            (r#"{"error":"plain"}"#, "plain"),
            (r#""just text""#, "just text"),
            (
                "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
                "502 Bad Gateway",
            ),
            ("<p>Oh <b>no</b></p>", "Oh no"),
            ("upstream\r\nfailed\u{1b}[31m", "upstream failed [31m"),
            (r#""gp\u202e3\u2028m""#, "gp 3 m"),
            ("", ""),
            ("{}", ""),
        ];
        for (body, expected) in bodies {
            assert_eq!(message(body.as_bytes()), expected, "{body}");
        }
    }
}
