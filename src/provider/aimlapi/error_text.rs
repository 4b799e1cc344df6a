//! Message in an error of the service, which has several shapes.

use serde_json::Value;

/// Returns the message of an error in JSON: an object, a list or bare text.
#[must_use]
pub(crate) fn json_message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let parts: Vec<_> = parts.iter().filter_map(json_message).collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Value::Object(fields) => ["message", "detail", "error", "title", "name"]
            .iter()
            .find_map(|name| json_message(fields.get(*name)?)),
        _ => None,
    }
    .filter(|text| !text.trim().is_empty())
}
