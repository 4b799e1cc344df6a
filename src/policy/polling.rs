//! When to ask for a generation: first when an answer is likely, then at growing intervals, and in any case in good
//! time before the service forgets it.
//!
//! Where it is known how long answers take, the first poll comes when a little more than half of them are there, and each
//! later one when the wait so far has grown by a part of itself. If their times scatter as log-normal ones with a sigma of
//! a quarter, two or three polls find an answer, half of the time within a tenth of the time it took: `frugal` in
//! `scripts/bench`.

use crate::domain::Timestamp;
use std::time::Duration;

/// How much longer each wait for an expected answer becomes in all, from one poll to the next.
const GROWTH: f64 = 0.1;
/// An expected answer is not asked for again before this part of the interval.
const LEAST_PART: u32 = 10;

/// The longest time before expiry that is kept free for a last poll.
const MOST_MARGIN: Duration = Duration::from_secs(60);

/// `polling.interval`, `polling.max_interval` and `api.retention`.
#[derive(Debug, Clone, Copy)]
pub struct Polling {
    /// Between the first polls of one generation.
    pub interval: Duration,
    /// Between later ones.
    pub max_interval: Duration,
    /// How long the service keeps a transcription from its creation.
    pub retention: Duration,
}

impl Polling {
    /// How long before expiry the last regular poll comes: a tenth of the retention, at most a minute. Also how long
    /// after its creation a generation may be unknown to the service (the grace of a 404).
    #[must_use]
    pub fn margin(&self) -> Duration {
        (self.retention / 10).min(MOST_MARGIN)
    }

    /// When a generation accepted at `accepted` is asked for first: when an answer is `expected`, else after the
    /// interval; never later than half of the retention, whatever is expected.
    #[must_use]
    pub fn first(&self, accepted: Timestamp, expected: Option<Duration>) -> Timestamp {
        let wait = expected.unwrap_or_else(|| self.shortest());
        accepted.after(wait.min(self.retention / 2))
    }

    /// When a generation that `polls` polls found unfinished, the last at `now`, is asked for again. `waited` is the
    /// time since its acceptance where the first poll was planned by how long answers take. `turn` is the time that the
    /// polls take which are due now: none is asked for again before they had theirs.
    #[must_use]
    pub fn next(
        &self,
        now: Timestamp,
        polls: u32,
        waited: Option<Duration>,
        turn: Duration,
        expires: Timestamp,
    ) -> Timestamp {
        let wait = match waited {
            Some(waited) => waited.mul_f64(GROWTH).max(self.shortest() / LEAST_PART),
            None => self.growing(polls),
        };
        let planned = now.after(wait.max(turn).min(self.longest()));
        let last_call = expires.before(self.margin());
        if now < last_call {
            planned.min(last_call)
        } else {
            now.after(self.shortest()).min(planned)
        }
    }

    /// When nothing is expected of a generation any more: twice the retention after its creation. Until then only
    /// the service says that it is gone.
    #[must_use]
    pub fn deadline(&self, expires: Timestamp) -> Timestamp {
        expires.after(self.retention)
    }

    /// Whether a 404 at `now` may only mean that the generation is not visible yet.
    #[must_use]
    pub fn in_grace(&self, now: Timestamp, accepted: Timestamp) -> bool {
        now.since(accepted) < self.margin()
    }

    fn growing(&self, polls: u32) -> Duration {
        let growth = 1.5_f64.powi(i32::try_from(polls.saturating_sub(1).min(40)).unwrap_or(40));
        Duration::try_from_secs_f64(self.shortest().as_secs_f64() * growth)
            .unwrap_or(self.longest())
    }

    fn shortest(&self) -> Duration {
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

    const POLLING: Polling = Polling {
        interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        retention: Duration::from_secs(3600),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_first_poll_comes_when_an_answer_is_likely() {
        assert_eq!(POLLING.first(at(0), None), at(10));
        assert_eq!(POLLING.first(at(0), Some(Duration::from_secs(3))), at(3));
        assert_eq!(
            POLLING.first(at(0), Some(Duration::from_secs(5000))),
            at(1800)
        );
    }

    #[test]
    fn later_polls_come_at_growing_intervals() {
        let waits: Vec<_> = (1..=7)
            .map(|polls| {
                POLLING
                    .next(at(0), polls, None, Duration::ZERO, at(3600))
                    .millis()
                    / 1000
            })
            .collect();
        assert_eq!(waits, [10, 15, 22, 33, 50, 60, 60]);
    }

    #[test]
    fn an_expected_answer_is_asked_for_again_when_the_wait_has_grown_by_a_part() {
        let next = |turn: u64, waited: u64| {
            let (turn, waited) = (Duration::from_secs(turn), Duration::from_secs(waited));
            POLLING
                .next(at(0), 1, Some(waited), turn, at(3600))
                .millis()
        };
        assert_eq!(next(0, 100), 10_000);
        assert_eq!(next(0, 5), 1000);
        assert_eq!(next(0, 1000), 60_000);
        assert_eq!(next(25, 100), 25_000);
        assert_eq!(next(25, 300), 30_000);
    }

    #[test]
    fn a_poll_comes_before_the_margin_and_then_at_short_intervals() {
        assert_eq!(
            POLLING.next(at(3500), 20, None, Duration::ZERO, at(3600)),
            at(3540)
        );
        assert_eq!(
            POLLING.next(at(3540), 21, None, Duration::ZERO, at(3600)),
            at(3550)
        );
        assert_eq!(
            POLLING.next(at(3700), 30, None, Duration::ZERO, at(3600)),
            at(3710)
        );
    }

    #[test]
    fn a_short_retention_shortens_every_interval() {
        let polling = Polling {
            retention: Duration::from_secs(6),
            ..POLLING
        };
        assert_eq!(polling.first(at(0), None).millis(), 600);
        assert!(
            polling
                .next(at(0), 20, None, Duration::ZERO, at(6))
                .millis()
                <= 1000
        );
    }

    proptest! {
        #[test]
        fn before_expiry_there_is_always_a_poll_in_the_margin_or_earlier(
            now in 0i64..3_600_000, polls in 1u32..1000, retention_ms in 1000u64..10_000_000,
            interval_ms in 1u64..100_000, more_ms in 0u64..1_000_000, turn_ms in 0u64..1_000_000,
            is_expected: bool,
        ) {
            let polling = Polling {
                interval: Duration::from_millis(interval_ms),
                max_interval: Duration::from_millis(interval_ms + more_ms),
                retention: Duration::from_millis(retention_ms),
            };
            let expires = Timestamp::from_millis(0).after(polling.retention);
            let now = Timestamp::from_millis(now);
            let waited = is_expected.then(|| now.since(Timestamp::from_millis(0)));
            let next = polling.next(now, polls, waited, Duration::from_millis(turn_ms), expires);
            prop_assert!(next >= now);
            if now < expires.before(polling.margin()) {
                prop_assert!(next <= expires.before(polling.margin()));
            }
        }
    }
}
