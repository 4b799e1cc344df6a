//! Numbers as services send them: integers for floats, float noise, and now and then nonsense.

use serde_json_borrow::Value;

/// A time or length in seconds: finite and not negative, else `None`.
pub(super) fn seconds(value: &Value<'_>) -> Option<f64> {
    value
        .as_f64()
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| seconds.max(0.0))
}

/// Start and end in seconds, where both are given; an end before its start is put on it.
pub(super) fn span(item: &Value<'_>, unit: f64) -> Option<(f64, f64)> {
    let start = seconds(item.get("start"))? * unit;
    let end = seconds(item.get("end"))? * unit;
    Some((start, end.max(start)))
}

/// A small whole number, also as text or as a float without a fraction.
pub(super) fn index(value: &Value<'_>) -> Option<u32> {
    match value {
        Value::Number(number) => {
            let number = number
                .as_f64()
                .filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
            (number <= f64::from(u32::MAX)).then_some(number as u32)
        }
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}
