//! The length for which a recording is charged to the budget.

/// Lowest rate of a recording, in bytes per second: 4 kbit/s. Speech at the lowest rates of AMR and Opus has more.
const MIN_BYTES_PER_SECOND: f64 = 500.0;

/// Returns the longest time that a file of this size can last, in seconds.
#[must_use]
pub fn longest_s(size_bytes: u64) -> f64 {
    size_bytes as f64 / MIN_BYTES_PER_SECOND
}

/// Length for which a recording is charged to the budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BookedLength {
    /// The length of the recording, in seconds.
    Known(f64),
    /// An upper bound from the size, in seconds. What the service bills replaces it.
    AtMost(f64),
    /// Nothing is known of it, because it is a URL.
    Unknown,
}

impl BookedLength {
    /// Returns the length for a recording of this duration, if it is known, and this size, if it is a file.
    #[must_use]
    pub fn of(duration_s: Option<f64>, size_bytes: Option<u64>) -> Self {
        match (duration_s, size_bytes) {
            (Some(seconds), _) => Self::Known(seconds),
            (None, Some(size_bytes)) => Self::AtMost(longest_s(size_bytes)),
            (None, None) => Self::Unknown,
        }
    }

    /// Returns the seconds, if there are any.
    #[must_use]
    pub const fn seconds(self) -> Option<f64> {
        match self {
            Self::Known(seconds) | Self::AtMost(seconds) => Some(seconds),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_bounds_the_length() {
        // An hour of AMR at its lowest rate has 13 bytes for each 20 ms.
        let hour = BookedLength::of(None, Some(3600 * 50 * 13));
        assert!(hour.seconds().unwrap() > 3600.0);
        assert_eq!(
            BookedLength::of(Some(2.0), Some(9)),
            BookedLength::Known(2.0)
        );
        assert_eq!(BookedLength::of(None, None).seconds(), None);
    }
}
