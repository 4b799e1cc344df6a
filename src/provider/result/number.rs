//! Lenient reading of numbers: services send integers for floats, float noise and invalid values.

use serde_json_borrow::Value;

/// Reads a time or a length in seconds. A negative number is read as 0.
///
/// Returns `None` for anything but a finite number.
pub(crate) fn seconds(value: &Value<'_>) -> Option<f64> {
    value
        .as_f64()
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| seconds.max(0.0))
}

/// Reads start and end, in seconds, if both are present. `unit` is the factor from the field's unit to seconds.
///
/// An end before the start is set to the start.
pub(crate) fn span(item: &Value<'_>, unit: f64) -> Option<(f64, f64)> {
    let start = seconds(item.get("start"))? * unit;
    let end = seconds(item.get("end"))? * unit;
    Some((start, end.max(start)))
}

/// Reads a non-negative integer of 32 bits, also from text or from a float without a fraction.
pub(crate) fn index(value: &Value<'_>) -> Option<u32> {
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
