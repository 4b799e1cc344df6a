//! Exclusion of recordings by length and size.

use std::time::Duration;

/// Settings `min_duration`, `max_duration` and `max_file_size` of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Minimum length. Shorter recordings are excluded.
    pub min_duration: Option<Duration>,
    /// Maximum length. Longer recordings are excluded.
    pub max_duration: Option<Duration>,
    /// Maximum size in bytes. Larger files are excluded.
    pub max_file_size: Option<u64>,
}

impl Bounds {
    /// Returns the reason why a recording is excluded, or `None` if it is not. A recording of unknown length is never
    /// excluded because of its length. The reasons are keys of the JSON report of `nightscribe plan`.
    #[must_use]
    pub fn exclusion_reason(
        &self,
        size_bytes: u64,
        duration_s: Option<f64>,
    ) -> Option<&'static str> {
        if self.max_file_size.is_some_and(|max| size_bytes > max) {
            return Some("it is larger than max_file_size of its source");
        }
        let seconds = duration_s?;
        if self
            .min_duration
            .is_some_and(|min| seconds < min.as_secs_f64())
        {
            return Some("it is shorter than min_duration of its source");
        }
        let too_long = self
            .max_duration
            .is_some_and(|max| seconds > max.as_secs_f64());
        too_long.then_some("it is longer than max_duration of its source")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        min_duration: Some(Duration::from_secs(30)),
        max_duration: Some(Duration::from_secs(3600)),
        max_file_size: Some(1000),
    };

    #[test]
    fn only_recordings_out_of_bounds_are_excluded() {
        let reason = |size, seconds| BOUNDS.exclusion_reason(size, seconds);
        assert_eq!(reason(1000, Some(30.0)), None);
        assert_eq!(reason(1000, Some(3600.0)), None);
        assert_eq!(reason(1000, None), None);
        assert!(reason(1001, None).unwrap().contains("max_file_size"));
        assert!(reason(1, Some(29.9)).unwrap().contains("min_duration"));
        assert!(reason(1, Some(3600.1)).unwrap().contains("max_duration"));
        assert_eq!(
            Bounds::default().exclusion_reason(u64::MAX, Some(1e9)),
            None
        );
    }
}
