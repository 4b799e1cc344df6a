//! Throughput and time left of a run, estimated from its last minutes.

use crate::domain::JobId;
use crate::policy::forecast::{Progress, ResultTimes, counted_after, time_left};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Period over which the throughput is measured.
const WINDOW: Duration = Duration::from_secs(300);
/// Minimum period for the throughput.
const MIN_WINDOW: Duration = Duration::from_secs(10);
/// Number of latest results whose times are kept.
const RESULTS: usize = 100;

/// Totals of a run at a time.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    time: Duration,
    accepted: u64,
    audio_s: f64,
}

/// Submissions and results of a run, with samples of the last minutes. All times are since its start.
#[derive(Debug, Default)]
pub(super) struct ThroughputEstimator {
    samples: VecDeque<Sample>,
    /// Totals up to now.
    accepted: u64,
    audio_s: f64,
    last_accepted: Duration,
    /// Submissions without a result, by their start.
    submitted: HashMap<JobId, Duration>,
    /// Times from the submission to the result.
    result_times: VecDeque<Duration>,
}

/// Numbers of jobs that are not done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    /// Jobs that are still to be accepted.
    pub(super) queued: u64,
    /// Jobs at the service.
    pub(super) pending: u64,
}

/// Estimated figures. `None` until enough is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ThroughputEstimate {
    /// Time until the last result.
    pub(super) time_left: Option<Duration>,
    /// Minutes of audio per minute.
    pub(super) audio_rate: Option<f64>,
}

impl ThroughputEstimator {
    /// Records the start of a submission.
    pub(super) fn submit(&mut self, job: JobId, now: Duration) {
        self.submitted.insert(job, now);
    }

    /// Records an acceptance.
    pub(super) const fn accept(&mut self, now: Duration) {
        self.accepted += 1;
        self.last_accepted = now;
    }

    /// Records a result with its seconds of audio.
    pub(super) fn receive(&mut self, job: JobId, audio_s: f64, now: Duration) {
        self.audio_s += audio_s;
        let Some(submitted) = self.submitted.remove(&job) else {
            return;
        };
        if self.result_times.len() == RESULTS {
            self.result_times.pop_front();
        }
        self.result_times.push_back(now.saturating_sub(submitted));
    }

    /// Takes a sample and returns the new estimate.
    pub(super) fn update(&mut self, now: Duration, left: Left) -> ThroughputEstimate {
        let sample = Sample {
            time: now,
            accepted: self.accepted,
            audio_s: self.audio_s,
        };
        self.samples.push_back(sample);
        let is_old = |sample: &Sample| now.saturating_sub(sample.time) > WINDOW;
        while self.samples.len() > 2 && self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
        let times = ResultTimes::of(self.result_times.iter().copied().collect());
        let counted_after = counted_after(now, times.map(|times| times.usual));
        let counted = |sample: &&Sample| sample.time >= counted_after;
        let counted = self.samples.iter().find(counted).unwrap_or(&sample);
        let progress = Progress {
            period: now.saturating_sub(counted.time),
            accepted: self.accepted - counted.accepted,
            queued: left.queued,
            pending: left.pending,
            last_accepted: now.saturating_sub(self.last_accepted),
            slow_result: times.map(|times| times.slow),
        };
        let first = self.samples[0];
        let period = now.saturating_sub(first.time);
        let audio_s = self.audio_s - first.audio_s;
        let is_known = period >= MIN_WINDOW && audio_s > 0.0;
        ThroughputEstimate {
            time_left: time_left(&progress),
            audio_rate: is_known.then(|| audio_s / period.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn time_left_follows_recent_submissions() {
        let mut estimate = ThroughputEstimator::default();
        let mut left = |now, accepted: u64, queued| {
            (estimate.accepted..accepted).for_each(|_| estimate.accept(second(now)));
            let left = Left { queued, pending: 0 };
            estimate.update(second(now), left).time_left
        };
        assert_eq!(left(0, 0, 100), None);
        assert_eq!(left(10, 10, 90), Some(second(90 + 10)));
        assert_eq!(left(400, 10, 90), None);
        assert_eq!(left(410, 30, 70), Some(second(35 + 10)));
        assert_eq!(left(411, 100, 0), None);
    }

    #[test]
    fn the_last_result_comes_when_slow_ones_do() {
        let mut estimate = ThroughputEstimator::default();
        for number in 0..5 {
            estimate.submit(JobId(number), second(number as u64));
            estimate.accept(second(number as u64));
        }
        estimate.receive(JobId(0), 1.0, second(20));
        let left = Left {
            queued: 0,
            pending: 4,
        };
        let estimated = estimate.update(second(20), left).time_left;
        assert_eq!(estimated, Some(second(20 - (20 - 4))));
    }

    #[test]
    fn audio_rate_follows_recent_throughput() {
        let mut estimate = ThroughputEstimator::default();
        let mut audio = |now, audio_s: f64| {
            let more = audio_s - estimate.audio_s;
            estimate.receive(JobId(1), more, second(now));
            estimate.update(second(now), Left::default()).audio_rate
        };
        assert_eq!(audio(0, 0.0), None);
        assert_eq!(audio(5, 500.0), None);
        assert_eq!(audio(20, 600.0), Some(30.0));
        assert_eq!(audio(400, 600.0), None);
        assert_eq!(audio(420, 800.0), Some(10.0));
    }
}
