//! Which recordings of a source are left out, by their length and size.

use std::time::Duration;

/// `min_duration`, `max_duration` and `max_file_size` of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Shorter recordings are left out.
    pub min_duration: Option<Duration>,
    /// Longer ones are.
    pub max_duration: Option<Duration>,
    /// Larger files are, in bytes.
    pub max_file_size: Option<u64>,
}

impl Bounds {
    /// Why a recording is left out. One whose length is not known is not left out for its length.
    #[must_use]
    pub fn leave_out(&self, size_bytes: u64, duration_s: Option<f64>) -> Option<&'static str> {
        if self.max_file_size.is_some_and(|most| size_bytes > most) {
            return Some("it is larger than max_file_size of its source");
        }
        let seconds = duration_s?;
        if self
            .min_duration
            .is_some_and(|least| seconds < least.as_secs_f64())
        {
            return Some("it is shorter than min_duration of its source");
        }
        let too_long = self
            .max_duration
            .is_some_and(|most| seconds > most.as_secs_f64());
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
    fn only_what_is_out_of_bounds_is_left_out() {
        let why = |size, seconds| BOUNDS.leave_out(size, seconds);
        assert_eq!(why(1000, Some(30.0)), None);
        assert_eq!(why(1000, Some(3600.0)), None);
        assert_eq!(why(1000, None), None);
        assert!(why(1001, None).unwrap().contains("max_file_size"));
        assert!(why(1, Some(29.9)).unwrap().contains("min_duration"));
        assert!(why(1, Some(3600.1)).unwrap().contains("max_duration"));
        assert_eq!(Bounds::default().leave_out(u64::MAX, Some(1e9)), None);
    }
}
