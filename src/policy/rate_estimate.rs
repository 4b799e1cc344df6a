//! Adaptive submit rate: an estimate of the submissions per minute that the service accepts.
//!
//! The service does not publish a rate limit, so the limit is estimated, up to the configured ceiling. Rejections (429) near
//! the maximum number of submissions accepted in a minute indicate a limit, and the rate is reduced. It then rises again,
//! slowly at first, to probe whether the limit still exists.

use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// Number of rejections within a minute that indicate a limit. A service under load also rejects requests at random, which
/// must not reduce the rate for a whole night.
const REJECTIONS: usize = 3;
/// Number of submissions accepted in the last minute whose response may still be outstanding at a rejection.
const OUTSTANDING: usize = 2;
/// Validity of the observed maximum of accepted submissions per minute.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// New rate after a cut, as a fraction of the submissions accepted in the last minute.
const UTILIZATION: f64 = 0.9;
/// Minimum rate after a cut, as a fraction of the rate before it.
const DECREASE: f64 = 0.5;
/// Time for the rate to rise from zero to the ceiling. The rate grows with the third power of the time, as in RFC 9438
/// (CUBIC).
const TO_CEILING: Duration = Duration::from_secs(30 * 60);

/// Estimate of the rate that the service accepts.
#[derive(Debug, Clone)]
pub struct RateEstimate {
    ceiling: NonZeroU32,
    /// Submissions per minute immediately after the last cut.
    after_cut: f64,
    cut_at: Timestamp,
    /// Times of the submissions accepted in the last minute.
    accepted: VecDeque<Timestamp>,
    /// Maximum number of submissions accepted in a minute since the last cut.
    max_accepted: usize,
    max_accepted_at: Timestamp,
    /// Times of the rejections near that maximum in the last minute. Cleared when the maximum rises.
    rejected: VecDeque<Timestamp>,
}

impl RateEstimate {
    /// Creates an estimate that starts at the configured ceiling.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self {
            ceiling,
            after_cut: f64::from(ceiling.get()),
            cut_at: Timestamp::from_millis(i64::MIN),
            accepted: VecDeque::new(),
            max_accepted: 0,
            max_accepted_at: Timestamp::from_millis(i64::MIN),
            rejected: VecDeque::new(),
        }
    }

    /// Returns the submissions per minute at `now`, from 1 to the ceiling.
    #[must_use]
    pub fn per_minute(&self, now: Timestamp) -> NonZeroU32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the value is between 1 and a u32"
        )]
        let whole = self.allowed(now) as u32;
        NonZeroU32::new(whole).unwrap_or(NonZeroU32::MIN)
    }

    fn allowed(&self, now: Timestamp) -> f64 {
        let ceiling = f64::from(self.ceiling.get());
        let since_cut = now.since(self.cut_at).as_secs_f64() / TO_CEILING.as_secs_f64();
        (self.after_cut + ceiling * since_cut.powi(3)).min(ceiling)
    }

    /// Records that a submission started at `started` was accepted. `now` is the time of the response.
    pub fn record_accepted(&mut self, started: Timestamp, now: Timestamp) {
        let counts = self.started_after_cut(started, now);
        self.accepted.push_back(now);
        self.expire(now);
        let accepted = self.accepted.len();
        if counts && accepted >= self.max_accepted {
            self.max_accepted_at = now;
        }
        if counts && accepted > self.max_accepted {
            self.max_accepted = accepted;
            self.rejected.clear();
        }
    }

    /// Records that a submission started at `started` was rejected with 429. `now` is the time of the response. Returns
    /// whether the rate was reduced.
    ///
    /// A burst of rejections reduces the rate only once. After a cut, rejections count only once a submission was accepted at
    /// the new rate. A service that temporarily rejects everything therefore does not drive the rate down.
    pub fn record_rejected(&mut self, started: Timestamp, now: Timestamp) -> bool {
        let counts = self.started_after_cut(started, now) && self.max_accepted > 0;
        self.expire(now);
        let accepted = self.accepted.len();
        if counts && now.since(self.max_accepted_at) > MAX_AGE {
            (self.max_accepted, self.max_accepted_at) = (accepted, now);
        }
        if !counts || accepted + OUTSTANDING < self.max_accepted {
            return false;
        }
        self.rejected.push_back(now);
        let is_limit = self.rejected.len() >= REJECTIONS;
        if is_limit {
            let allowed = self.allowed(now);
            let target = accepted as f64 * UTILIZATION;
            self.after_cut = target.max(allowed * DECREASE).min(allowed).max(1.0);
            self.cut_at = now;
            self.max_accepted = 0;
            self.rejected.clear();
        }
        is_limit
    }

    /// Removes the times outside the minute before `now`.
    fn expire(&mut self, now: Timestamp) {
        // Times in the future were recorded before the clock was set back.
        let is_outside = |at: &Timestamp| *at > now || now.since(*at) >= MINUTE;
        for times in [&mut self.accepted, &mut self.rejected] {
            while times.front().is_some_and(is_outside) {
                times.pop_front();
            }
        }
    }

    fn started_after_cut(&mut self, started: Timestamp, now: Timestamp) -> bool {
        // After the clock was set back, new submissions must not count as older than the last cut.
        if self.cut_at > now {
            self.cut_at = started;
        }
        started >= self.cut_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn rate(ceiling: u32) -> RateEstimate {
        RateEstimate::new(NonZeroU32::new(ceiling).unwrap())
    }

    /// Records as many rejections as indicate a limit, of submissions started at `started`. Returns whether the last one
    /// reduced the rate.
    fn reject(rate: &mut RateEstimate, started: i64) -> bool {
        let [first, second, third] =
            [1, 2, 3].map(|step| rate.record_rejected(at(started), at(started + step)));
        assert!(!first && !second);
        third
    }

    #[test]
    fn a_limit_close_to_the_rate_is_found_immediately() {
        let mut rate = rate(60);
        (0..50).for_each(|now| rate.record_accepted(at(now), at(now)));
        assert!(reject(&mut rate, 100));
        assert_eq!(rate.per_minute(at(103)).get(), 45);
    }

    #[test]
    fn a_distant_limit_is_found_by_halving() {
        let mut rate = rate(600);
        (0..50).for_each(|now| rate.record_accepted(at(now), at(now)));
        assert!(reject(&mut rate, 100));
        assert_eq!(rate.per_minute(at(103)).get(), 300);
    }

    #[test]
    fn a_burst_of_rejections_counts_once() {
        let mut rate = rate(60);
        rate.record_accepted(at(0), at(1));
        assert!(reject(&mut rate, 10));
        for started in 10..13 {
            assert!(!rate.record_rejected(at(started), at(21)));
        }
        assert_eq!(rate.per_minute(at(21)).get(), 30);
    }

    #[test]
    fn rejections_with_a_rising_maximum_are_no_limit() {
        let mut rate = rate(60);
        for now in 0..59 {
            rate.record_accepted(at(now), at(now));
            assert!(!rate.record_rejected(at(now), at(now)));
            assert!(!rate.record_rejected(at(now), at(now)));
        }
        assert_eq!(rate.per_minute(at(100)).get(), 60);
    }

    #[test]
    fn rejections_below_the_maximum_are_no_limit() {
        let mut rate = rate(60);
        (0..60).for_each(|now| rate.record_accepted(at(now * 1_000), at(now * 1_000)));
        assert_eq!(
            [70_000, 80_000, 90_000].map(|now| rate.record_rejected(at(now), at(now))),
            [false; 3]
        );
    }

    #[test]
    fn rejecting_everything_does_not_reduce_the_rate() {
        let mut rate = rate(60);
        let storm = |rate: &mut RateEstimate, begin: i64| {
            (0..600)
                .filter(|step| {
                    let now = at(begin + step * 1_000);
                    rate.record_rejected(now, now)
                })
                .count()
        };
        assert_eq!(storm(&mut rate, 0), 0);
        rate.record_accepted(at(700_000), at(700_000));
        assert_eq!(storm(&mut rate, 700_001), 1);
        assert_eq!(rate.per_minute(at(703_000)).get(), 30);
    }

    #[test]
    fn rejections_count_after_the_clock_was_set_back() {
        let mut rate = rate(60);
        rate.record_accepted(at(3_600_000), at(3_600_001));
        assert!(reject(&mut rate, 3_600_002));
        rate.record_accepted(at(10), at(20));
        assert!(reject(&mut rate, 30));
    }

    #[test]
    fn the_rate_never_falls_below_one_per_minute() {
        let mut rate = rate(1);
        rate.record_accepted(at(0), at(0));
        assert!(reject(&mut rate, 1));
        assert_eq!(rate.per_minute(at(4)).get(), 1);
    }

    #[test]
    fn the_rate_rises_slowly_at_first() {
        let mut rate = rate(600);
        (0..300).for_each(|now| rate.record_accepted(at(now), at(now)));
        assert!(reject(&mut rate, 297));
        let after =
            [0, 5, 10, 20, 30].map(|minutes| rate.per_minute(at(300 + minutes * 60_000)).get());
        assert_eq!(after, [300, 302, 322, 477, 600]);
    }

    /// Numbers of accepted and rejected submissions.
    #[derive(Debug, Default)]
    struct Counts {
        accepted: usize,
        rejected: usize,
    }

    /// Simulates submissions for some minutes and counts those from minute `counted` on.
    ///
    /// `rejects` decides on each submission by its minute and the number accepted in the last minute. Each rejection causes
    /// a wait of `wait` milliseconds.
    fn submit(
        rate: &mut RateEstimate,
        minutes: i64,
        counted: i64,
        wait: i64,
        mut rejects: impl FnMut(i64, usize) -> bool,
    ) -> Counts {
        let (mut now, mut taken, mut counts) = (0, VecDeque::new(), Counts::default());
        while now < minutes * 60_000 {
            while taken.front().is_some_and(|at| now - at >= 60_000) {
                taken.pop_front();
            }
            let one = usize::from(now >= counted * 60_000);
            if rejects(now / 60_000, taken.len()) {
                counts.rejected += one;
                rate.record_rejected(at(now), at(now));
                now += wait;
            } else {
                counts.accepted += one;
                taken.push_back(now);
                rate.record_accepted(at(now), at(now));
                now += 60_000 / i64::from(rate.per_minute(at(now)).get()) + 1;
            }
        }
        counts
    }

    #[test]
    fn a_limit_that_appears_later_is_found() {
        let mut rate = rate(600);
        let limit = |minute| if minute < 60 { 300 } else { 30 };
        let rejects = |minute, taken| taken >= limit(minute);
        let counts = submit(&mut rate, 180, 90, 5_000, rejects);
        assert!(counts.rejected < 90, "{counts:?}");
        assert!(counts.accepted > 90 * 30 * 8 / 10, "{counts:?}");
    }

    proptest! {
        #[test]
        fn the_rate_stays_between_one_and_the_ceiling(
            ceiling in 1u32..100_000, facts in proptest::collection::vec((any::<bool>(), -10_000i64..10_000, 0i64..1000), 0..200),
        ) {
            let mut rate = rate(ceiling);
            for (accepted, now, ago) in facts {
                if accepted {
                    rate.record_accepted(at(now - ago), at(now));
                } else {
                    rate.record_rejected(at(now - ago), at(now));
                }
                prop_assert!((1..=ceiling).contains(&rate.per_minute(at(now)).get()));
            }
        }

        #[test]
        fn a_limit_is_found_and_used_with_few_rejections(limit in 10usize..300, times in 1u32..40, wait in 1_000i64..10_000) {
            let mut rate = rate(u32::try_from(limit).unwrap() * times);
            let counts = submit(&mut rate, 150, 30, wait, |_, taken| taken >= limit);
            prop_assert!(counts.rejected < 120, "{counts:?}");
            prop_assert!(counts.accepted > limit * 120 * 8 / 10, "{counts:?}");
        }
    }

    /// Checks the average, because a single night may do worse. The seeds are fixed, so that the result is
    /// reproducible.
    #[test]
    fn random_rejections_leave_half_the_rate_on_average() {
        const NIGHTS: u64 = 40;
        for ceiling in [10, 30, 100, 300, 1_000] {
            let (mut accepted, mut possible) = (0, 0);
            for seed in 0..NIGHTS {
                let (mut rate, mut dice) = (rate(ceiling), StdRng::seed_from_u64(seed));
                let counts = submit(&mut rate, 60, 0, 1_000, |_, _| dice.random_bool(0.05));
                accepted += counts.accepted;
                possible += (3_600 - counts.rejected) * ceiling as usize / 60;
            }
            assert!(
                accepted > possible / 2,
                "{ceiling}: {accepted} of {possible}"
            );
        }
    }
}
