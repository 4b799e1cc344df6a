//! How many submissions a minute the service is given: it publishes no limit, so the one it keeps is found (additive
//! increase, multiplicative decrease), under the configured ceiling.

use crate::domain::Timestamp;
use std::num::NonZeroU32;

/// What a refusal leaves of the rate.
const DECREASE: f64 = 0.5;
/// Minutes at the allowed rate that lead from nothing back to the ceiling.
const MINUTES_TO_CEILING: f64 = 60.0;

/// The rate that the service seems to accept.
#[derive(Debug, Clone)]
pub struct Rate {
    ceiling: NonZeroU32,
    allowed: f64,
    cut_at: Timestamp,
    tried: bool,
}

impl Rate {
    /// The configured ceiling is tried first.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self {
            ceiling,
            allowed: f64::from(ceiling.get()),
            cut_at: Timestamp::from_millis(i64::MIN),
            tried: false,
        }
    }

    /// Submissions a minute, from 1 to the ceiling.
    #[must_use]
    pub fn per_minute(&self) -> NonZeroU32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and a u32"
        )]
        let whole = self.allowed as u32;
        NonZeroU32::new(whole).unwrap_or(NonZeroU32::MIN)
    }

    /// A submission begun at `began` was accepted, as is known at `now`.
    pub fn accepted(&mut self, began: Timestamp, now: Timestamp) {
        if self.is_of_this_rate(began, now) {
            self.tried = true;
            let ceiling = f64::from(self.ceiling.get());
            let step = ceiling / MINUTES_TO_CEILING / self.allowed;
            self.allowed = (self.allowed + step).min(ceiling);
        }
    }

    /// A submission begun at `began` was refused with 429, as is known at `now`. `true` if the rate is lower for it:
    /// of a burst only the first refusal counts, and until something was accepted at the rate now allowed, a refusal
    /// says nothing of that rate. So a service that takes nothing at all for a time does not drive the rate down.
    pub fn refused(&mut self, began: Timestamp, now: Timestamp) -> bool {
        let counts = self.is_of_this_rate(began, now) && self.tried;
        if counts {
            self.allowed = (self.allowed * DECREASE).max(1.0);
            self.cut_at = now;
            self.tried = false;
        }
        counts
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
    use std::collections::VecDeque;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn rate(ceiling: u32) -> Rate {
        Rate::new(NonZeroU32::new(ceiling).unwrap())
    }

    #[test]
    fn a_burst_of_refusals_counts_once() {
        let mut rate = rate(60);
        rate.accepted(at(0), at(1));
        assert!(rate.refused(at(10), at(20)));
        for began in 11..20 {
            assert!(!rate.refused(at(began), at(21)));
        }
        assert_eq!(rate.per_minute().get(), 30);
    }

    #[test]
    fn a_refusal_before_anything_was_accepted_says_nothing_of_the_rate() {
        let mut rate = rate(60);
        assert!(!rate.refused(at(0), at(1)));
        rate.accepted(at(2), at(3));
        assert!(rate.refused(at(4), at(5)));
        assert!(!rate.refused(at(6), at(7)));
        // Accepted, but sent at the rate before.
        rate.accepted(at(4), at(8));
        assert!(!rate.refused(at(9), at(10)));
        rate.accepted(at(11), at(12));
        assert!(rate.refused(at(13), at(14)));
        assert_eq!(rate.per_minute().get(), 15);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_the_service() {
        let mut rate = rate(60);
        rate.accepted(at(3_600_000), at(3_600_001));
        assert!(rate.refused(at(3_600_002), at(3_600_003)));
        rate.accepted(at(10), at(20));
        assert!(rate.refused(at(30), at(40)));
    }

    #[test]
    fn a_service_that_takes_one_a_minute_is_given_one_a_minute() {
        let mut rate = rate(1);
        rate.accepted(at(0), at(0));
        rate.refused(at(1), at(1));
        assert_eq!(rate.per_minute().get(), 1);
    }

    /// A service that takes `limit` in any minute; refusals in each of `minutes` minutes.
    fn refusals(rate: &mut Rate, limit: usize, minutes: i64) -> Vec<usize> {
        let (mut now, mut taken, mut refusals) = (0, VecDeque::new(), vec![0; minutes as usize]);
        while now < minutes * 60_000 {
            while taken.front().is_some_and(|at| now - at >= 60_000) {
                taken.pop_front();
            }
            if taken.len() < limit {
                taken.push_back(now);
                rate.accepted(at(now), at(now));
                now += 60_000 / i64::from(rate.per_minute().get()) + 1;
            } else {
                rate.refused(at(now), at(now));
                refusals[(now / 60_000) as usize] += 1;
                now += 10_000;
            }
        }
        refusals
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
                prop_assert!((1..=ceiling).contains(&rate.per_minute().get()));
            }
        }

        #[test]
        fn without_refusals_the_ceiling_is_reached_again_within_the_hour(ceiling in 1u32..2_000, cuts in 0u32..20) {
            let mut rate = rate(ceiling);
            for cut in 0..i64::from(cuts) {
                rate.accepted(at(cut * 2), at(cut * 2));
                rate.refused(at(cut * 2), at(cut * 2 + 1));
            }
            let mut now = 100.0;
            while rate.per_minute().get() < ceiling {
                now += 60_000.0 / f64::from(rate.per_minute().get());
                rate.accepted(at(now as i64), at(now as i64));
            }
            // A whole rate may be up to one below what is allowed, which takes longer where rates are small.
            prop_assert!(now < 2.0 * 60.0 * 60_000.0, "{now}");
            prop_assert!(ceiling < 60 || now < 70.0 * 60_000.0, "{now}");
        }

        #[test]
        fn a_limit_below_the_ceiling_is_found_and_seldom_hit(limit in 5usize..300, times in 2u32..40) {
            let mut rate = rate(u32::try_from(limit).unwrap() * times);
            let refusals = refusals(&mut rate, limit, 240);
            // After the search, which takes a halving for each doubling of the ceiling over the limit.
            let later: usize = refusals[60..].iter().sum();
            let cycles = 180 * 2 * times as usize / 60 + 2;
            prop_assert!(later <= cycles * 8, "{later} refusals in three hours, {cycles} cycles");
        }
    }
}
