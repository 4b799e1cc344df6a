//! Exclusion of recordings by length and size.

use std::str::FromStr;
use std::time::Duration;

/// Setting `unknown_length` of a source: what `min_duration` and `max_duration` mean for a recording of unknown length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownLength {
    /// It is submitted.
    #[default]
    Submit,
    /// It is excluded.
    Hold,
}

/// Error of parsing an [`UnknownLength`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"submit\" or \"hold\", found \"{0}\"")]
pub struct UnknownLengthError(String);

impl FromStr for UnknownLength {
    type Err = UnknownLengthError;

    fn from_str(text: &str) -> Result<Self, UnknownLengthError> {
        match text {
            "submit" => Ok(Self::Submit),
            "hold" => Ok(Self::Hold),
            other => Err(UnknownLengthError(other.to_owned())),
        }
    }
}

/// Settings `min_duration`, `max_duration`, `max_file_size` and `unknown_length` of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Minimum length. Shorter recordings are excluded.
    pub min_duration: Option<Duration>,
    /// Maximum length. Longer recordings are excluded.
    pub max_duration: Option<Duration>,
    /// Maximum size in bytes. Larger files are excluded.
    pub max_file_size: Option<u64>,
    /// Treatment of a recording whose length is unknown.
    pub unknown_length: UnknownLength,
}

/// Reason that a recording is excluded. The texts are keys of the JSON report of `nightscribe plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    /// Larger than `max_file_size`.
    TooLarge,
    /// Shorter than `min_duration`.
    TooShort,
    /// Longer than `max_duration`.
    TooLong,
    /// Of unknown length, with `unknown_length = "hold"`.
    UnknownLength,
}

impl Exclusion {
    /// Returns the reason as a sentence fragment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "it is larger than max_file_size of its source",
            Self::TooShort => "it is shorter than min_duration of its source",
            Self::TooLong => "it is longer than max_duration of its source",
            Self::UnknownLength => {
                "its length is unknown, and unknown_length of its source is \"hold\""
            }
        }
    }
}

impl Bounds {
    /// Whether a bound concerns the length.
    #[must_use]
    pub const fn limit_length(&self) -> bool {
        self.min_duration.is_some() || self.max_duration.is_some()
    }

    /// Returns the reason why a recording is excluded because of its size.
    #[must_use]
    pub fn exclusion_by_size(&self, size_bytes: u64) -> Option<Exclusion> {
        let too_large = self.max_file_size.is_some_and(|max| size_bytes > max);
        too_large.then_some(Exclusion::TooLarge)
    }

    /// Returns the reason why a recording is excluded, or `None` if it is not. `duration_s` is `None` if its length cannot
    /// be read.
    #[must_use]
    pub fn exclusion(&self, size_bytes: u64, duration_s: Option<f64>) -> Option<Exclusion> {
        if let Some(reason) = self.exclusion_by_size(size_bytes) {
            return Some(reason);
        }
        let Some(seconds) = duration_s else {
            let is_held = self.limit_length() && self.unknown_length == UnknownLength::Hold;
            return is_held.then_some(Exclusion::UnknownLength);
        };
        let (min, max) = (self.min_duration, self.max_duration);
        if min.is_some_and(|min| seconds < min.as_secs_f64()) {
            return Some(Exclusion::TooShort);
        }
        let too_long = max.is_some_and(|max| seconds > max.as_secs_f64());
        too_long.then_some(Exclusion::TooLong)
    }

    /// Whether these bounds include a recording that was excluded for `reason`, perhaps by other bounds.
    ///
    /// A length that was not stored is read again, so the recording counts as included then.
    #[must_use]
    pub fn include_again(&self, size_bytes: u64, duration_s: Option<f64>, reason: &str) -> bool {
        let was_unknown = reason == Exclusion::UnknownLength.as_str();
        match (self.exclusion(size_bytes, duration_s), duration_s) {
            (Some(Exclusion::UnknownLength), None) => !was_unknown,
            (Some(_), _) => false,
            (None, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        min_duration: Some(Duration::from_secs(30)),
        max_duration: Some(Duration::from_secs(3600)),
        max_file_size: Some(1000),
        unknown_length: UnknownLength::Submit,
    };
    const HOLDING: Bounds = Bounds {
        unknown_length: UnknownLength::Hold,
        ..BOUNDS
    };

    #[test]
    fn only_recordings_out_of_bounds_are_excluded() {
        let reason = |size, seconds| BOUNDS.exclusion(size, seconds);
        assert_eq!(reason(1000, Some(30.0)), None);
        assert_eq!(reason(1000, Some(3600.0)), None);
        assert_eq!(reason(1000, None), None);
        assert_eq!(reason(1001, None), Some(Exclusion::TooLarge));
        assert_eq!(reason(1, Some(29.9)), Some(Exclusion::TooShort));
        assert_eq!(reason(1, Some(3600.1)), Some(Exclusion::TooLong));
        assert_eq!(Bounds::default().exclusion(u64::MAX, Some(1e9)), None);
    }

    #[test]
    fn an_unknown_length_is_held_only_by_a_bound_on_the_length() {
        assert_eq!(HOLDING.exclusion(1, None), Some(Exclusion::UnknownLength));
        let size_only = Bounds {
            min_duration: None,
            max_duration: None,
            ..HOLDING
        };
        assert_eq!(size_only.exclusion(1, None), None);
        assert_eq!(size_only.exclusion_by_size(1001), Some(Exclusion::TooLarge));
    }

    #[test]
    fn an_exclusion_ends_with_its_bound() {
        let short = Exclusion::TooShort.as_str();
        assert!(!BOUNDS.include_again(1, Some(29.0), short));
        assert!(BOUNDS.include_again(1, Some(31.0), short));
        assert!(Bounds::default().include_again(1, Some(1.0), short));
        let unknown = Exclusion::UnknownLength.as_str();
        assert!(!HOLDING.include_again(1, None, unknown));
        assert!(BOUNDS.include_again(1, None, unknown));
        // Its length was not stored, so it is read again.
        assert!(HOLDING.include_again(1, None, short));
    }
}
