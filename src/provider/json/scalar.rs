//! Values that are neither objects nor arrays.

use smol_str::SmolStr;

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, without its quotes and escapes.
    Text(&'a str),
    /// A number, `true`, `false`, `null` or any other word without quotes.
    Word(&'a str),
    /// Any other value. It was skipped.
    Other,
}

impl Scalar<'_> {
    /// Returns a string.
    #[must_use]
    pub fn text(self) -> Option<SmolStr> {
        match self {
            Self::Text(text) => Some(text.into()),
            _ => None,
        }
    }

    /// Returns a finite number, also from a string.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        let number: Result<f64, _> = match self {
            Self::Text(text) => text.trim().parse(),
            Self::Word(word) => word.parse(),
            Self::Other => return None,
        };
        number.ok().filter(|number| number.is_finite())
    }

    /// Returns a string or a number as text. Not `true`, `null` and `NaN`.
    #[must_use]
    pub fn label(self) -> Option<SmolStr> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Word(word) => {
                let is_number = word.ends_with(|last: char| last.is_ascii_digit() || last == '.')
                    && word.parse::<f64>().is_ok();
                is_number.then(|| word.into())
            }
            Self::Other => None,
        }
    }
}

/// Whether a byte belongs to a number or another word without quotes.
pub(super) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}
