//! Schedule of the polls of a generation. The first poll happens when a result is likely, the later ones at growing
//! intervals. A poll always happens before the transcription expires.
//!
//! If the latency of the service is known, the first poll happens when slightly more than half of the results are ready.
//! Each later poll happens when the wait so far has grown by a fixed fraction. For log-normal latencies with a sigma of 0.25,
//! two or three polls find a result. In half of the cases the delay is within a tenth of the latency. These numbers come
//! from `frugal` in `scripts/bench`.

use crate::domain::Timestamp;
use std::time::Duration;

/// Growth of the total wait for an expected result, from one poll to the next.
const GROWTH: f64 = 0.1;
/// Divisor of the interval that gives the minimum time between polls for an expected result.
const MIN_INTERVAL_DIVISOR: u32 = 10;

/// Maximum time for which a generation that no poll has found is polled again after a 404.
const MAX_PATIENCE: Duration = Duration::from_secs(120);
/// The same for a generation that an earlier poll has found.
const MAX_PATIENCE_SEEN: Duration = Duration::from_secs(300);

/// Maximum margin before expiry that is reserved for a last poll.
const MAX_MARGIN: Duration = Duration::from_secs(60);

/// Settings `polling.interval`, `polling.max_interval` and `api.retention`.
#[derive(Debug, Clone, Copy)]
pub struct PollPolicy {
    /// Interval between the first polls of a generation.
    pub interval: Duration,
    /// Maximum interval between later polls.
    pub max_interval: Duration,
    /// Time for which the service keeps a transcription after its creation.
    pub retention: Duration,
}

impl PollPolicy {
    /// Returns the time between the last regular poll and expiry: a tenth of the retention, at most a minute.
    #[must_use]
    pub fn margin(&self) -> Duration {
        (self.retention / 10).min(MAX_MARGIN)
    }

    /// Returns the time of the first poll of a generation accepted at `accepted`.
    ///
    /// The delay is the `expected` latency if known, otherwise the interval. It is at most half of the retention.
    #[must_use]
    pub fn first_poll(&self, accepted: Timestamp, expected: Option<Duration>) -> Timestamp {
        let wait = expected.unwrap_or_else(|| self.shortest());
        accepted.after(wait.min(self.retention / 2))
    }

    /// Returns the time of the next poll of a generation that is still unfinished at `now`, after `polls` polls.
    ///
    /// `waited` is the time since acceptance if the first poll was scheduled by the expected latency, otherwise `None`.
    /// `turn` is the time that all polls due now take. It is a minimum for the interval, so that every due poll gets its
    /// turn before a generation is polled again.
    #[must_use]
    pub fn next_poll(
        &self,
        now: Timestamp,
        polls: u32,
        waited: Option<Duration>,
        turn: Duration,
        expires: Timestamp,
    ) -> Timestamp {
        let wait = match waited {
            Some(waited) => waited
                .mul_f64(GROWTH)
                .max(self.shortest() / MIN_INTERVAL_DIVISOR),
            None => self.growing(polls),
        };
        let planned = now.after(wait.max(turn).min(self.longest()));
        let last_regular_poll = expires.before(self.margin());
        if now < last_regular_poll {
            planned.min(last_regular_poll)
        } else {
            now.after(self.shortest()).min(planned)
        }
    }

    /// Returns whether polling of a generation of this age is given up. Until then, it counts as lost only if the service
    /// reports that it no longer exists.
    ///
    /// The age may be wrong if the clock was set between two runs. A generation is therefore also `watched` by this run for
    /// a whole retention.
    #[must_use]
    pub fn is_overdue(&self, age: Duration, watched: Duration) -> bool {
        age >= 2 * self.retention && watched >= self.retention
    }

    /// Returns for how long a generation is polled again while the service answers 404: a tenth of the retention, at most
    /// two minutes, or five if an earlier poll has found it.
    #[must_use]
    pub fn patience(&self, was_seen: bool) -> Duration {
        let most = if was_seen {
            MAX_PATIENCE_SEEN
        } else {
            MAX_PATIENCE
        };
        (self.retention / 10).min(most)
    }

    fn growing(&self, polls: u32) -> Duration {
        let growth = 1.5_f64.powi(i32::try_from(polls.saturating_sub(1).min(40)).unwrap_or(40));
        Duration::try_from_secs_f64(self.shortest().as_secs_f64() * growth)
            .unwrap_or(self.longest())
    }

    /// Returns the shortest interval between two polls of a generation.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        self.interval.min(self.retention / 10)
    }

    fn longest(&self) -> Duration {
        self.max_interval
            .min(self.retention / 6)
            .max(self.shortest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLLING: PollPolicy = PollPolicy {
        interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        retention: Duration::from_secs(3600),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_first_poll_follows_the_expected_latency() {
        assert_eq!(POLLING.first_poll(at(0), None), at(10));
        assert_eq!(
            POLLING.first_poll(at(0), Some(Duration::from_secs(3))),
            at(3)
        );
        assert_eq!(
            POLLING.first_poll(at(0), Some(Duration::from_secs(5000))),
            at(1800)
        );
    }

    #[test]
    fn intervals_between_later_polls_grow() {
        let waits: Vec<_> = (1..=7)
            .map(|polls| {
                POLLING
                    .next_poll(at(0), polls, None, Duration::ZERO, at(3600))
                    .millis()
                    / 1000
            })
            .collect();
        assert_eq!(waits, [10, 15, 22, 33, 50, 60, 60]);
    }

    #[test]
    fn the_wait_for_an_expected_result_grows_by_a_fraction() {
        let next = |turn: u64, waited: u64| {
            let (turn, waited) = (Duration::from_secs(turn), Duration::from_secs(waited));
            POLLING
                .next_poll(at(0), 1, Some(waited), turn, at(3600))
                .millis()
        };
        assert_eq!(next(0, 100), 10_000);
        assert_eq!(next(0, 5), 1000);
        assert_eq!(next(0, 1000), 60_000);
        assert_eq!(next(25, 100), 25_000);
        assert_eq!(next(25, 300), 30_000);
    }

    #[test]
    fn polls_near_expiry_are_frequent() {
        assert_eq!(
            POLLING.next_poll(at(3500), 20, None, Duration::ZERO, at(3600)),
            at(3540)
        );
        assert_eq!(
            POLLING.next_poll(at(3540), 21, None, Duration::ZERO, at(3600)),
            at(3550)
        );
        assert_eq!(
            POLLING.next_poll(at(3700), 30, None, Duration::ZERO, at(3600)),
            at(3710)
        );
    }

    #[test]
    fn a_short_retention_shortens_every_interval() {
        let polling = PollPolicy {
            retention: Duration::from_secs(6),
            ..POLLING
        };
        assert_eq!(polling.first_poll(at(0), None).millis(), 600);
        assert!(
            polling
                .next_poll(at(0), 20, None, Duration::ZERO, at(6))
                .millis()
                <= 1000
        );
    }

    proptest! {
        #[test]
        fn there_is_always_a_poll_before_expiry(
            now in 0i64..3_600_000, polls in 1u32..1000, retention_ms in 1000u64..10_000_000,
            interval_ms in 1u64..100_000, more_ms in 0u64..1_000_000, turn_ms in 0u64..1_000_000,
            is_expected: bool,
        ) {
            let polling = PollPolicy {
                interval: Duration::from_millis(interval_ms),
                max_interval: Duration::from_millis(interval_ms + more_ms),
                retention: Duration::from_millis(retention_ms),
            };
            let expires = Timestamp::from_millis(0).after(polling.retention);
            let now = Timestamp::from_millis(now);
            let waited = is_expected.then(|| now.since(Timestamp::from_millis(0)));
            let next = polling.next_poll(now, polls, waited, Duration::from_millis(turn_ms), expires);
            prop_assert!(next >= now);
            if now < expires.before(polling.margin()) {
                prop_assert!(next <= expires.before(polling.margin()));
            }
        }
    }
}
