//! Throughput and time left, estimated from the last minutes.

use std::collections::VecDeque;
use std::time::Duration;

/// Period over which the throughput is measured.
const WINDOW: Duration = Duration::from_secs(300);
/// Minimum period for an estimate.
const MIN_WINDOW: Duration = Duration::from_secs(10);

/// Samples of the last minutes: time since the start, completed items, and seconds of audio received.
#[derive(Debug, Default)]
pub(super) struct ThroughputEstimator {
    samples: VecDeque<(Duration, u64, f64)>,
}

/// Estimated figures. `None` until there are enough samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ThroughputEstimate {
    /// Time until all remaining items are done.
    pub(super) time_left: Option<Duration>,
    /// Minutes of audio per minute.
    pub(super) audio_rate: Option<f64>,
}

impl ThroughputEstimator {
    /// Records a sample and returns the new estimate.
    ///
    /// `now` is the time since the start. `done` and `audio_s` are totals up to now. `left` is the number of remaining
    /// items.
    pub(super) fn update(
        &mut self,
        now: Duration,
        done: u64,
        audio_s: f64,
        left: u64,
    ) -> ThroughputEstimate {
        self.samples.push_back((now, done, audio_s));
        while self.samples.len() > 2
            && self
                .samples
                .front()
                .is_some_and(|(time, ..)| now.saturating_sub(*time) > WINDOW)
        {
            self.samples.pop_front();
        }
        let (since, done_before, audio_before) = self.samples[0];
        let (time, count) = (now.saturating_sub(since), done.saturating_sub(done_before));
        let audio = audio_s - audio_before;
        let is_known = time >= MIN_WINDOW;
        ThroughputEstimate {
            time_left: (is_known && left > 0 && count > 0)
                .then(|| time.mul_f64(left as f64 / count as f64)),
            audio_rate: (is_known && audio > 0.0).then(|| audio / time.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_recent_throughput() {
        let mut estimate = ThroughputEstimator::default();
        let mut left = |second, done, left| {
            let now = Duration::from_secs(second);
            estimate.update(now, done, 0.0, left).time_left
        };
        assert_eq!(left(0, 0, 100), None);
        assert_eq!(left(5, 5, 95), None);
        assert_eq!(left(10, 10, 90), Some(Duration::from_secs(90)));
        assert_eq!(left(400, 10, 90), None);
        assert_eq!(left(410, 30, 70), Some(Duration::from_secs(35)));
        assert_eq!(left(411, 100, 0), None);
    }

    #[test]
    fn audio_rate_follows_recent_throughput() {
        let mut estimate = ThroughputEstimator::default();
        let mut audio = |second, audio_s| {
            let now = Duration::from_secs(second);
            estimate.update(now, 0, audio_s, 0).audio_rate
        };
        assert_eq!(audio(0, 0.0), None);
        assert_eq!(audio(5, 500.0), None);
        assert_eq!(audio(20, 600.0), Some(30.0));
        assert_eq!(audio(400, 600.0), None);
        assert_eq!(audio(420, 800.0), Some(10.0));
    }
}
