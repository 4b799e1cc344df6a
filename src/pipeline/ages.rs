//! Ages of uncertain submissions, by a clock that is never set.

use crate::domain::{AttemptId, Timestamp};
use crate::runtime::clock::Clock;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Ages of uncertain submissions, in memory.
///
/// The system clock may be set between a submission and its look-up, by hours on a machine without a battery clock. The
/// age is therefore measured by [`Clock::steady`], and by the system clock only for the time before this run.
#[derive(Debug, Default)]
pub struct Ages(Mutex<HashMap<AttemptId, Timestamp>>);

impl Ages {
    /// Records that an attempt of this run began at `steady`.
    pub fn record(&self, attempt: AttemptId, steady: Timestamp) {
        self.began().insert(attempt, steady);
    }

    /// Returns the age of an attempt that began at `started_at` by the system clock.
    pub fn age(&self, attempt: AttemptId, started_at: Timestamp, clock: &dyn Clock) -> Duration {
        let steady = clock.steady();
        let began = *self
            .began()
            .entry(attempt)
            .or_insert_with(|| steady.before(clock.now().since(started_at)));
        steady.since(began)
    }

    /// Forgets an attempt that is no longer uncertain.
    pub fn forget(&self, attempt: AttemptId) {
        self.began().remove(&attempt);
    }

    fn began(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Clocks {
        now: Timestamp,
        steady: Timestamp,
    }

    impl Clock for Clocks {
        fn now(&self) -> Timestamp {
            self.now
        }

        fn steady(&self) -> Timestamp {
            self.steady
        }
    }

    fn at(now: i64, steady: i64) -> Clocks {
        let at = |seconds| Timestamp::from_millis(seconds * 1000);
        Clocks {
            now: at(now),
            steady: at(steady),
        }
    }

    #[test]
    fn a_step_of_the_system_clock_does_not_change_an_age() {
        let (ages, seconds) = (Ages::default(), Duration::from_secs);
        let (own, earlier) = (AttemptId(1), AttemptId(2));
        let started = Timestamp::from_millis(10_000);
        ages.record(own, started);
        assert_eq!(ages.age(own, started, &at(10_812, 12)), seconds(2));
        assert_eq!(ages.age(own, started, &at(0, 13)), seconds(3));
        assert_eq!(ages.age(earlier, started, &at(110, 110)), seconds(100));
        assert_eq!(ages.age(earlier, started, &at(0, 111)), seconds(101));
        ages.forget(earlier);
        let before_1970 = Timestamp::from_millis(i64::MAX);
        assert_eq!(ages.age(earlier, before_1970, &at(0, 111)), seconds(0));
    }
}
