//! Lenient reading of speakers and lists, which have several shapes.

use crate::domain::transcript::Speaker;
use serde_json_borrow::Value;

/// Reads a label or a number.
pub(crate) fn speaker(value: &Value<'_>) -> Option<Speaker> {
    match value {
        Value::Str(label) if !label.trim().is_empty() => Some(Speaker(label.trim().to_owned())),
        Value::Number(number) => Some(Speaker(number.to_string())),
        _ => None,
    }
}

/// Returns the items of a list, or the values of an object that stands in for one.
pub(crate) fn items<'a>(value: &'a Value<'a>) -> Vec<&'a Value<'a>> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}
