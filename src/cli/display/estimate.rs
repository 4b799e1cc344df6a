//! Time left, from what was done lately.

use std::collections::VecDeque;
use std::time::Duration;

/// What counts as lately.
const LATELY: Duration = Duration::from_secs(300);
/// Before so much has been seen, an estimate is a guess.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How many were done when, by the time since the start.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    seen: VecDeque<(Duration, u64)>,
}

impl Estimate {
    /// Takes in that `done` are done at `now`, and says how long `left` will take; `None` while that cannot be told.
    pub(super) fn left(&mut self, now: Duration, done: u64, left: u64) -> Option<Duration> {
        self.seen.push_back((now, done));
        while self.seen.len() > 2
            && self
                .seen
                .front()
                .is_some_and(|(time, _)| now.saturating_sub(*time) > LATELY)
        {
            self.seen.pop_front();
        }
        let (since, before) = *self.seen.front()?;
        let (time, count) = (now.saturating_sub(since), done.saturating_sub(before));
        (left > 0 && count > 0 && time >= AT_LEAST)
            .then(|| time.mul_f64(left as f64 / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_last_minutes() {
        let mut estimate = Estimate::default();
        let mut left = |second, done, left| estimate.left(Duration::from_secs(second), done, left);
        assert_eq!(left(0, 0, 100), None);
        assert_eq!(left(5, 5, 95), None);
        assert_eq!(left(10, 10, 90), Some(Duration::from_secs(90)));
        assert_eq!(left(400, 10, 90), None);
        assert_eq!(left(410, 30, 70), Some(Duration::from_secs(35)));
        assert_eq!(left(411, 100, 0), None);
    }
}
