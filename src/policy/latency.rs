//! Latency of the service, estimated from earlier results. The first poll of a generation is scheduled by it.

use crate::domain::Timestamp;
use crate::policy::interval_quantile;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Number of latest results kept per model. They are kept regardless of which poll found them, so that the share found
/// by the first poll is representative.
const MAX_SAMPLES: u64 = 128;
/// Minimum number kept of results found by a later poll. For these, both bounds of the latency are known. Hundreds of
/// results found by the first poll must not evict them.
const MIN_BRACKETED: usize = 16;
/// Maximum age of a result. An older result does not reflect the current load of the service.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// Number of latest results kept regardless of their age.
const MIN_SAMPLES: u64 = 8;
/// Refit interval, in results. Each of the first results triggers a refit, then only every eighth, because a single
/// result changes the fit little.
const REFIT_INTERVAL: u64 = 8;
/// Assumed lower bound of the latency of a result found by the first poll, as a fraction of the wait. The estimate depends
/// little on it, but an estimate that is far too long decreases because of it.
const MIN_FRACTION: f64 = 0.25;
/// Maximum ratio of the lower to the upper bound. No latency is known more precisely than to one percent.
const MAX_BOUND_RATIO: f64 = 0.99;
/// Quantile of the latency at which the first poll is scheduled. Together with the growth of the later waits, this results
/// in few polls and few results found late, as simulated in `tests/it/polling.rs`.
const TARGET_QUANTILE: f64 = 0.55;
/// Safety factor for the quantile. If the latency is constant, the first poll finds every result.
const SAFETY_FACTOR: f64 = 1.02;
/// Audio length assumed if it is unknown, in seconds.
const UNKNOWN_LENGTH_S: f64 = 600.0;
/// Weight of the prior that the latency is proportional to the audio length. It dominates until results for audio of
/// different lengths are known.
const PRIOR: f64 = 1.0;
/// Maximum ratio of the audio length to the longest length with a known latency. Beyond it, there is no estimate: an
/// extrapolation could delay fetching the result for long, whereas an early poll costs little.
const MAX_EXTRAPOLATION: f64 = 8.0;

/// Latency estimates by model.
#[derive(Debug, Clone, Default)]
pub struct LatencyEstimator {
    by_model: HashMap<String, ModelHistory>,
}

#[derive(Debug, Clone, Default)]
struct ModelHistory {
    bracketed: VecDeque<Sample>,
    found_by_first_poll: VecDeque<Sample>,
    /// Number of results recorded so far.
    count: u64,
    fit: LatencyFit,
}

/// Latency of one result. Length and latency are logarithms, because the latency grows with a power of the length and
/// varies by a factor.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Sequence number of the result.
    number: u64,
    at: Timestamp,
    length: f64,
    not_before: f64,
    not_after: f64,
}

/// Linear fit of the logarithm of the latency by the logarithm of the length.
#[derive(Debug, Clone, Copy, Default)]
struct LatencyFit {
    intercept: f64,
    slope: f64,
    /// Logarithm of the longest length with a known latency.
    max_length: f64,
}

impl LatencyEstimator {
    /// Records the latency of a result for audio of `length_s` seconds, found at `now`.
    ///
    /// The bounds are durations since the acceptance of the submission. `not_before` is the time of the last poll without
    /// a result, and `not_after` the time of the poll that found it. `not_before` is zero if the first poll found it.
    pub fn record(
        &mut self,
        model: &str,
        length_s: Option<f64>,
        (not_before, not_after): (Duration, Duration),
        now: Timestamp,
    ) {
        let history = self.by_model.entry(model.to_owned()).or_default();
        let not_after = not_after.max(Duration::from_micros(1)).as_secs_f64();
        let lower = not_before
            .as_secs_f64()
            .clamp(not_after * MIN_FRACTION, not_after * MAX_BOUND_RATIO);
        history.record(
            Sample {
                number: history.count,
                at: now,
                length: log_length(length_s),
                not_before: lower.ln(),
                not_after: not_after.ln(),
            },
            not_before.is_zero(),
        );
    }

    /// Returns the latency within which slightly more than half of the results for audio of `length_s` seconds are ready.
    ///
    /// The estimate comes from a fit through the latest results. Returns `None` if there are no results for the model or for
    /// audio of similar length.
    #[must_use]
    pub fn expected(&self, model: &str, length_s: Option<f64>) -> Option<Duration> {
        let fit = self.by_model.get(model)?.fit;
        let length = log_length(length_s);
        if length > fit.max_length + MAX_EXTRAPOLATION.ln() {
            return None;
        }
        let expected = (fit.intercept + fit.slope * length).exp() * SAFETY_FACTOR;
        Duration::try_from_secs_f64(expected).ok()
    }
}

impl ModelHistory {
    fn record(&mut self, sample: Sample, found_by_first_poll: bool) {
        self.count += 1;
        if found_by_first_poll {
            self.found_by_first_poll.push_back(sample);
        } else {
            self.bracketed.push_back(sample);
        }
        evict(&mut self.found_by_first_poll, 0, &sample);
        evict(&mut self.bracketed, MIN_BRACKETED, &sample);
        if self.count <= REFIT_INTERVAL || self.count.is_multiple_of(REFIT_INTERVAL) {
            self.fit = fit(self.bracketed.iter().chain(&self.found_by_first_poll));
        }
    }
}

/// Evicts samples from the front.
///
/// A sample is evicted if it is older than [`MAX_AGE`] and not among the latest [`MIN_SAMPLES`] results. It is also evicted
/// if it is not among the latest [`MAX_SAMPLES`] results and more than `min_len` samples are left.
fn evict(samples: &mut VecDeque<Sample>, min_len: usize, latest: &Sample) {
    while let Some(first) = samples.front() {
        let distance = latest.number - first.number;
        let is_surplus = samples.len() > min_len && distance >= MAX_SAMPLES;
        let is_old = latest.at.since(first.at) > MAX_AGE && distance >= MIN_SAMPLES;
        if !is_surplus && !is_old {
            return;
        }
        samples.pop_front();
    }
}

/// Fits a line through the samples, below which the share [`TARGET_QUANTILE`] of the latencies lies.
fn fit<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> LatencyFit {
    let slope = slope(samples.clone());
    let intercepts = samples.clone().map(|sample| {
        let length_part = slope * sample.length;
        (
            sample.not_before - length_part,
            sample.not_after - length_part,
        )
    });
    LatencyFit {
        // A quantile depends on how many results are late. The mean would also depend on how late they are.
        intercept: interval_quantile::quantile(&intercepts.collect::<Vec<_>>(), TARGET_QUANTILE),
        slope,
        max_length: samples.map(|sample| sample.length).fold(0.0, f64::max),
    }
}

/// Returns the exponent with which the latency grows with the length, from 0 (constant) to 1 (proportional). Estimated by
/// least squares.
fn slope<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> f64 {
    let latency = |sample: &Sample| f64::midpoint(sample.not_before, sample.not_after);
    let count = samples.clone().count() as f64;
    let mean_length = samples.clone().map(|sample| sample.length).sum::<f64>() / count;
    let mean_latency = samples.clone().map(latency).sum::<f64>() / count;
    let (mut covariance, mut variance) = (PRIOR, PRIOR);
    for sample in samples {
        let deviation = sample.length - mean_length;
        covariance += deviation * (latency(sample) - mean_latency);
        variance += deviation * deviation;
    }
    (covariance / variance).clamp(0.0, 1.0)
}

fn log_length(length_s: Option<f64>) -> f64 {
    let length = length_s
        .filter(|length| length.is_finite())
        .unwrap_or(UNKNOWN_LENGTH_S);
    length.max(1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_unknown_model_has_no_estimate() {
        assert_eq!(LatencyEstimator::default().expected("m", Some(60.0)), None);
    }

    #[test]
    fn the_estimate_depends_on_the_audio_length() {
        let mut times = LatencyEstimator::default();
        for _ in 0..10 {
            times.record("m", Some(30.0), (s(4), s(6)), NOW);
            times.record("m", Some(3600.0), (s(100), s(140)), NOW);
        }
        let expected = |length| times.expected("m", Some(length)).unwrap().as_secs_f64();
        assert!((4.8..5.3).contains(&expected(30.0)), "{}", expected(30.0));
        assert!(
            (115.0..125.0).contains(&expected(3600.0)),
            "{}",
            expected(3600.0)
        );
        assert!(
            (15.0..40.0).contains(&expected(300.0)),
            "{}",
            expected(300.0)
        );
    }

    #[test]
    fn much_longer_audio_has_no_estimate() {
        let mut times = LatencyEstimator::default();
        times.record("m", Some(30.0), (s(1), s(1)), NOW);
        assert!(times.expected("m", Some(239.0)).is_some());
        assert_eq!(times.expected("m", Some(241.0)), None);
        times.record("m", Some(3600.0), (s(1), s(1)), NOW);
        assert!(times.expected("m", Some(10_000.0)).is_some());
    }

    #[test]
    fn only_the_latest_results_count() {
        let mut times = LatencyEstimator::default();
        for seconds in [1, 9] {
            for _ in 0..MAX_SAMPLES {
                times.record("m", None, (s(seconds), s(seconds)), NOW);
            }
        }
        let expected = times.expected("m", None).unwrap();
        assert!((8.9..9.3).contains(&expected.as_secs_f64()));
    }

    /// Polls for a result with a latency of one minute and records it in `times`. Returns the number of polls and the time
    /// at which the result is found, in seconds.
    fn poll_until_found(
        expected: Option<Duration>,
        times: &mut LatencyEstimator,
        now: Timestamp,
    ) -> (u32, f64) {
        let mut polled_at = expected.unwrap_or(s(10));
        let (mut not_before, mut count) = (Duration::ZERO, 1);
        while polled_at < s(60) {
            (not_before, polled_at, count) = (polled_at, polled_at.mul_f64(1.12), count + 1);
        }
        times.record("m", None, (not_before, polled_at), now);
        (count, polled_at.as_secs_f64())
    }

    #[test]
    fn a_constant_latency_is_soon_met_by_the_first_poll() {
        let mut times = LatencyEstimator::default();
        let polls: Vec<_> = (0..200)
            .map(|_| poll_until_found(times.expected("m", None), &mut times, NOW))
            .collect();
        assert!(polls[20..].iter().all(|poll| poll.1 < 68.0), "{polls:?}");
        let repeated = polls[20..].iter().filter(|poll| poll.0 > 1);
        assert!(repeated.count() < 20, "{polls:?}");
    }

    #[test]
    fn first_poll_hits_do_not_evict_bracketed_results() {
        let mut times = LatencyEstimator::default();
        let waves: Vec<_> = (0..8)
            .map(|_| {
                let expected = times.expected("m", None);
                let polls = (0..256).map(|_| poll_until_found(expected, &mut times, NOW));
                polls.last().unwrap()
            })
            .collect();
        let first_poll_hits = waves[2..]
            .iter()
            .filter(|poll| poll.0 == 1 && poll.1 < 66.0);
        assert!(first_poll_hits.count() >= 5, "{waves:?}");
    }

    #[test]
    fn an_estimate_far_too_long_decreases_again() {
        let mut times = LatencyEstimator::default();
        for _ in 0..MAX_SAMPLES {
            times.record("m", None, (s(550), s(650)), NOW);
        }
        let later = NOW.after(MAX_AGE + s(1));
        for _ in 0..2 * MAX_SAMPLES {
            let expected = times.expected("m", None);
            poll_until_found(expected, &mut times, later);
        }
        let expected = times.expected("m", None).unwrap();
        assert!(expected < s(80), "{expected:?}");
    }

    #[test]
    fn the_latest_results_are_kept_regardless_of_age() {
        let mut times = LatencyEstimator::default();
        for result in 0..100 {
            let later = NOW.after(2 * MAX_AGE * result);
            times.record("m", None, (s(10), s(11)), later);
        }
        assert_eq!(times.by_model["m"].bracketed.len() as u64, MIN_SAMPLES);
    }

    proptest! {
        #[test]
        fn the_estimate_grows_at_most_proportionally_to_length(taken in proptest::collection::vec((1.0..1e5f64, 1u64..1000), 1..100), length in 0.0..1.0f64, times_longer in 1.0..4f64) {
            let mut times = LatencyEstimator::default();
            for &(length, seconds) in &taken {
                times.record("m", Some(length), (s(seconds), s(seconds)), NOW);
            }
            let longest = taken.iter().rev().take(MAX_SAMPLES as usize).map(|&(length, _)| length).fold(1.0, f64::max);
            let length = longest.powf(length);
            let expected = |length| times.expected("m", Some(length)).unwrap().as_secs_f64();
            let (short, long) = (expected(length), expected(length * times_longer));
            prop_assert!(short <= long * 1.000_001 && long <= short * times_longer * 1.000_001);
        }
    }
}
