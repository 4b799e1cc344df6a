//! Times and counts: services send integers for floats, strings for numbers, float noise and invalid values.

use crate::provider::json::reader::JsonReader;
use crate::provider::json::scalar::Scalar;

/// Reads a time or a length. A negative number is read as 0.
///
/// Returns `None` for anything but a finite number.
pub(crate) fn length(json: &mut JsonReader<'_>) -> Option<f64> {
    json.value(length_of)
}

/// Returns a time or a length. A negative number counts as 0.
pub(crate) fn length_of(value: Scalar<'_>) -> Option<f64> {
    value.number().map(|number| number.max(0.0))
}

/// Reads a non-negative integer of 32 bits, also from text or from a float without a fraction.
pub(crate) fn index(json: &mut JsonReader<'_>) -> Option<u32> {
    json.value(index_of)
}

/// Returns a non-negative integer of 32 bits, also from text or from a float without a fraction.
pub(crate) fn index_of(value: Scalar<'_>) -> Option<u32> {
    let number = value.number()?;
    let is_index = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    is_index.then_some(number as u32)
}

/// Start and end of a word or an utterance, each as far as it was read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: Option<f64>,
    pub(crate) end: Option<f64>,
}

impl Span {
    /// Returns start and end if both are known. An end before the start is set to the start.
    pub(crate) fn times(self) -> Option<(f64, f64)> {
        let start = self.start?;
        Some((start, self.end?.max(start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_form_are_read() {
        let length = |text: &str| length(&mut JsonReader::new(text.as_bytes()));
        for (text, expected) in [
            ("1", Some(1.0)),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("\" 2.5 \"", Some(2.5)),
            ("-1", Some(0.0)),
            ("1e999", None),
            ("NaN", None),
            ("\"inf\"", None),
            ("null", None),
            ("[1]", None),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
        let index = |text: &str| index(&mut JsonReader::new(text.as_bytes()));
        assert_eq!((index("1.0"), index("\"1\"")), (Some(1), Some(1)));
        assert_eq!(
            (index("1.5"), index("-1"), index("1e12")),
            (None, None, None)
        );
    }

    #[test]
    fn a_span_never_ends_before_it_starts() {
        let span = |start, end| Span { start, end }.times();
        assert_eq!(span(Some(1.0), Some(0.5)), Some((1.0, 1.0)));
        assert_eq!(span(None, Some(0.5)), None);
        assert_eq!(span(Some(1.0), None), None);
    }
}
