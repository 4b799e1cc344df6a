//! Sliding window of calls, for the rate limits.

use crate::timestamp::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Sliding window over the calls of the last minute.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    minute: Duration,
    calls: VecDeque<Timestamp>,
    /// Maximum number of calls in any minute.
    pub(crate) peak: usize,
}

impl SlidingWindow {
    /// Creates an empty window of length `minute`.
    pub(crate) fn new(minute: Duration) -> Self {
        Self {
            minute,
            calls: VecDeque::new(),
            peak: 0,
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// Returns the wait until the next call is allowed if the limit is exceeded. Such a call is not counted.
    pub(crate) fn enter(&mut self, now: Timestamp, limit: Option<u32>) -> Result<(), Duration> {
        while self
            .calls
            .front()
            .is_some_and(|call| now.since(*call) >= self.minute)
        {
            self.calls.pop_front();
        }
        if limit.is_some_and(|limit| self.calls.len() >= limit as usize) {
            let oldest = self
                .calls
                .front()
                .map_or(Duration::ZERO, |call| now.since(*call));
            return Err(self.minute - oldest);
        }
        self.calls.push_back(now);
        self.peak = self.peak.max(self.calls.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn denied_calls_do_not_count() {
        let mut window = SlidingWindow::new(MINUTE);
        let mut enter = |ms| window.enter(Timestamp::from_millis(ms), Some(2));
        assert_eq!(enter(0), Ok(()));
        assert_eq!(enter(30_000), Ok(()));
        assert_eq!(enter(59_999), Err(Duration::from_millis(1)));
        assert_eq!(enter(60_000), Ok(()));
        assert_eq!(enter(61_000), Err(Duration::from_secs(29)));
        assert_eq!(window.peak, 2);
    }

    #[test]
    fn a_limit_of_zero_denies_every_call() {
        assert_eq!(
            SlidingWindow::new(MINUTE).enter(Timestamp::from_millis(5), Some(0)),
            Err(MINUTE)
        );
    }

    proptest! {
        #[test]
        fn no_minute_exceeds_the_limit(
            steps in proptest::collection::vec(0_i64..9_000, 1..200), limit in 1_u32..12,
        ) {
            let (mut window, mut now, mut entered) = (SlidingWindow::new(MINUTE), 0, Vec::new());
            for step in steps {
                now += step;
                if let Err(wait) = window.enter(Timestamp::from_millis(now), Some(limit)) {
                    now += wait.as_millis() as i64;
                    prop_assert!(window.enter(Timestamp::from_millis(now), Some(limit)).is_ok());
                }
                entered.push(now);
                let last_minute = entered.iter().filter(|at| now - **at < 60_000).count();
                prop_assert!(last_minute <= limit as usize);
            }
        }
    }
}
