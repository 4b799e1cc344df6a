//! How many submissions a minute the service is given. It publishes no limit, so the one it keeps is found, under the
//! configured ceiling: a refusal at the most that was ever accepted in a minute speaks for a limit, and the rate falls to
//! it; then it rises, slowly at first, to see whether the limit is still there.

use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// So many refusals within a minute speak for a limit. A service under load refuses at random, too: that alone must not slow a whole
/// night down.
const REFUSALS: usize = 3;
/// Of what was accepted in the last minute, so much may not be known yet when a refusal is.
const UNKNOWN: usize = 2;
/// How long the most that was accepted in a minute says what the service accepts.
const MEMORY: Duration = Duration::from_secs(10 * 60);
/// How much of what was accepted in a minute is then sent in one.
const BELOW: f64 = 0.9;
/// The rate never falls to less than this part of itself at once.
const DECREASE: f64 = 0.5;
/// From nothing back to the ceiling, with the third power of the time, as in RFC 9438 (CUBIC).
const TO_CEILING: Duration = Duration::from_secs(30 * 60);

/// The rate that the service seems to accept.
#[derive(Debug, Clone)]
pub struct Rate {
    ceiling: NonZeroU32,
    /// Submissions a minute right after the last cut.
    after_cut: f64,
    cut_at: Timestamp,
    /// When what was accepted in the last minute was.
    accepted: VecDeque<Timestamp>,
    /// The most accepted in a minute since the last cut.
    most: usize,
    most_at: Timestamp,
    /// When refusals were at that most, in the last minute, with nothing accepted beyond it since.
    refused: VecDeque<Timestamp>,
}

impl Rate {
    /// The configured ceiling is tried first.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self {
            ceiling,
            after_cut: f64::from(ceiling.get()),
            cut_at: Timestamp::from_millis(i64::MIN),
            accepted: VecDeque::new(),
            most: 0,
            most_at: Timestamp::from_millis(i64::MIN),
            refused: VecDeque::new(),
        }
    }

    /// Submissions a minute at `now`, from 1 to the ceiling.
    #[must_use]
    pub fn per_minute(&self, now: Timestamp) -> NonZeroU32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and a u32"
        )]
        let whole = self.allowed(now) as u32;
        NonZeroU32::new(whole).unwrap_or(NonZeroU32::MIN)
    }

    fn allowed(&self, now: Timestamp) -> f64 {
        let ceiling = f64::from(self.ceiling.get());
        let since_cut = now.since(self.cut_at).as_secs_f64() / TO_CEILING.as_secs_f64();
        (self.after_cut + ceiling * since_cut.powi(3)).min(ceiling)
    }

    /// A submission begun at `began` was accepted, as is known at `now`.
    pub fn accepted(&mut self, began: Timestamp, now: Timestamp) {
        let counts = self.is_of_this_rate(began, now);
        self.accepted.push_back(now);
        self.forget(now);
        let taken = self.accepted.len();
        if counts && taken >= self.most {
            self.most_at = now;
        }
        if counts && taken > self.most {
            self.most = taken;
            self.refused.clear();
        }
    }

    /// A submission begun at `began` was refused with 429, as is known at `now`. `true` if the rate is lower for it. A
    /// burst lowers it once, and a service that takes nothing at all for a time does not drive it down: until something
    /// is accepted at a new rate, nothing is known of that.
    pub fn refused(&mut self, began: Timestamp, now: Timestamp) -> bool {
        let counts = self.is_of_this_rate(began, now) && self.most > 0;
        self.forget(now);
        let taken = self.accepted.len();
        if counts && now.since(self.most_at) > MEMORY {
            (self.most, self.most_at) = (taken, now);
        }
        if !counts || taken + UNKNOWN < self.most {
            return false;
        }
        self.refused.push_back(now);
        let is_a_limit = self.refused.len() >= REFUSALS;
        if is_a_limit {
            let allowed = self.allowed(now);
            let below = taken as f64 * BELOW;
            self.after_cut = below.max(allowed * DECREASE).min(allowed).max(1.0);
            self.cut_at = now;
            self.most = 0;
            self.refused.clear();
        }
        is_a_limit
    }

    /// Forgets what is not of the minute before `now`.
    fn forget(&mut self, now: Timestamp) {
        // What lies ahead is of a clock that was set back since.
        let is_over = |at: &Timestamp| *at > now || now.since(*at) >= MINUTE;
        for times in [&mut self.accepted, &mut self.refused] {
            while times.front().is_some_and(is_over) {
                times.pop_front();
            }
        }
    }

    fn is_of_this_rate(&mut self, began: Timestamp, now: Timestamp) -> bool {
        // A clock set back must not make everything older than the last cut.
        if self.cut_at > now {
            self.cut_at = began;
        }
        began >= self.cut_at
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

    fn rate(ceiling: u32) -> Rate {
        Rate::new(NonZeroU32::new(ceiling).unwrap())
    }

    /// As many refusals as speak for a limit, of submissions begun at `began`: whether the last lowered the rate.
    fn refuse(rate: &mut Rate, began: i64) -> bool {
        let [first, second, third] =
            [1, 2, 3].map(|step| rate.refused(at(began), at(began + step)));
        assert!(!first && !second);
        third
    }

    #[test]
    fn a_limit_is_found_at_once_if_it_is_near() {
        let mut rate = rate(60);
        (0..50).for_each(|now| rate.accepted(at(now), at(now)));
        assert!(refuse(&mut rate, 100));
        assert_eq!(rate.per_minute(at(103)).get(), 45);
    }

    #[test]
    fn a_limit_that_is_far_is_found_in_halves() {
        let mut rate = rate(600);
        (0..50).for_each(|now| rate.accepted(at(now), at(now)));
        assert!(refuse(&mut rate, 100));
        assert_eq!(rate.per_minute(at(103)).get(), 300);
    }

    #[test]
    fn a_burst_of_refusals_counts_once() {
        let mut rate = rate(60);
        rate.accepted(at(0), at(1));
        assert!(refuse(&mut rate, 10));
        for began in 10..13 {
            assert!(!rate.refused(at(began), at(21)));
        }
        assert_eq!(rate.per_minute(at(21)).get(), 30);
    }

    #[test]
    fn refusals_with_more_accepted_between_speak_for_no_limit() {
        let mut rate = rate(60);
        for now in 0..59 {
            rate.accepted(at(now), at(now));
            assert!(!rate.refused(at(now), at(now)));
            assert!(!rate.refused(at(now), at(now)));
        }
        assert_eq!(rate.per_minute(at(100)).get(), 60);
    }

    #[test]
    fn refusals_below_what_was_accepted_before_speak_for_no_limit() {
        let mut rate = rate(60);
        (0..60).for_each(|now| rate.accepted(at(now * 1_000), at(now * 1_000)));
        assert_eq!(
            [70_000, 80_000, 90_000].map(|now| rate.refused(at(now), at(now))),
            [false; 3]
        );
    }

    #[test]
    fn a_service_that_takes_nothing_tells_nothing_of_its_rate() {
        let mut rate = rate(60);
        let storm = |rate: &mut Rate, begin: i64| {
            (0..600)
                .filter(|step| {
                    let now = at(begin + step * 1_000);
                    rate.refused(now, now)
                })
                .count()
        };
        assert_eq!(storm(&mut rate, 0), 0);
        rate.accepted(at(700_000), at(700_000));
        assert_eq!(storm(&mut rate, 700_001), 1);
        assert_eq!(rate.per_minute(at(703_000)).get(), 30);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_the_service() {
        let mut rate = rate(60);
        rate.accepted(at(3_600_000), at(3_600_001));
        assert!(refuse(&mut rate, 3_600_002));
        rate.accepted(at(10), at(20));
        assert!(refuse(&mut rate, 30));
    }

    #[test]
    fn a_service_that_takes_one_a_minute_is_given_one_a_minute() {
        let mut rate = rate(1);
        rate.accepted(at(0), at(0));
        assert!(refuse(&mut rate, 1));
        assert_eq!(rate.per_minute(at(4)).get(), 1);
    }

    #[test]
    fn the_ceiling_is_tried_again_slowly_at_first() {
        let mut rate = rate(600);
        (0..300).for_each(|now| rate.accepted(at(now), at(now)));
        assert!(refuse(&mut rate, 297));
        let after =
            [0, 5, 10, 20, 30].map(|minutes| rate.per_minute(at(300 + minutes * 60_000)).get());
        assert_eq!(after, [300, 302, 322, 477, 600]);
    }

    /// What was accepted and refused.
    #[derive(Debug, Default)]
    struct Counts {
        accepted: usize,
        refused: usize,
    }

    /// Submissions minute by minute, each of which `refuses` tells of: when it comes, and how many were taken in the
    /// minute before. Each refusal costs a wait. Counts what comes from `counted` on.
    fn submit(
        rate: &mut Rate,
        minutes: i64,
        counted: i64,
        wait: i64,
        mut refuses: impl FnMut(i64, usize) -> bool,
    ) -> Counts {
        let (mut now, mut taken, mut counts) = (0, VecDeque::new(), Counts::default());
        while now < minutes * 60_000 {
            while taken.front().is_some_and(|at| now - at >= 60_000) {
                taken.pop_front();
            }
            let one = usize::from(now >= counted * 60_000);
            if refuses(now / 60_000, taken.len()) {
                counts.refused += one;
                rate.refused(at(now), at(now));
                now += wait;
            } else {
                counts.accepted += one;
                taken.push_back(now);
                rate.accepted(at(now), at(now));
                now += 60_000 / i64::from(rate.per_minute(at(now)).get()) + 1;
            }
        }
        counts
    }

    #[test]
    fn a_limit_that_comes_later_is_found_too() {
        let mut rate = rate(600);
        let limit = |minute| if minute < 60 { 300 } else { 30 };
        let refuses = |minute, taken| taken >= limit(minute);
        let counts = submit(&mut rate, 180, 90, 5_000, refuses);
        assert!(counts.refused < 90, "{counts:?}");
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
                    rate.accepted(at(now - ago), at(now));
                } else {
                    rate.refused(at(now - ago), at(now));
                }
                prop_assert!((1..=ceiling).contains(&rate.per_minute(at(now)).get()));
            }
        }

        #[test]
        fn a_limit_is_found_seldom_hit_and_used(limit in 10usize..300, times in 1u32..40, wait in 1_000i64..10_000) {
            let mut rate = rate(u32::try_from(limit).unwrap() * times);
            let counts = submit(&mut rate, 150, 30, wait, |_, taken| taken >= limit);
            prop_assert!(counts.refused < 120, "{counts:?}");
            prop_assert!(counts.accepted > limit * 120 * 8 / 10, "{counts:?}");
        }
    }

    /// A single night may fare worse: it holds of the mean, and exactly, as these nights are always the same.
    #[test]
    fn refusals_at_random_leave_half_of_the_rate_on_average() {
        const NIGHTS: u64 = 40;
        for ceiling in [10, 30, 100, 300, 1_000] {
            let (mut accepted, mut possible) = (0, 0);
            for seed in 0..NIGHTS {
                let (mut rate, mut dice) = (rate(ceiling), StdRng::seed_from_u64(seed));
                let counts = submit(&mut rate, 60, 0, 1_000, |_, _| dice.random_bool(0.05));
                accepted += counts.accepted;
                possible += (3_600 - counts.refused) * ceiling as usize / 60;
            }
            assert!(
                accepted > possible / 2,
                "{ceiling}: {accepted} of {possible}"
            );
        }
    }
}
