//! When a message that could not be delivered is sent again.

use super::backoff::Backoff;
use crate::domain::Timestamp;
use std::time::Duration;

/// A message is given up when it is so old.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// What becomes of a message after a try in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is sent again at this time.
    At(Timestamp),
    /// It is sent again when nightscribe starts the next time: until somebody changes something, no try is worth while.
    AtNextStart,
    /// Nothing more is tried.
    GivenUp,
}

/// What becomes of a message of `created_at` after `tries`, the last of which was in vain at `now`. `lasting`: the
/// receiver does not take it, and said so.
#[must_use]
pub fn next(
    created_at: Timestamp,
    tries: u32,
    lasting: bool,
    now: Timestamp,
    backoff: Backoff,
    jitter: f64,
) -> Next {
    if is_too_old(created_at, now) {
        Next::GivenUp
    } else if lasting {
        Next::AtNextStart
    } else {
        Next::At(now.after(backoff.delay(tries, jitter)))
    }
}

/// Whether a message is so old that nobody waits for it.
#[must_use]
pub fn is_too_old(created_at: Timestamp, now: Timestamp) -> bool {
    now.since(created_at) >= GIVE_UP_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(10),
        most: Duration::from_secs(900),
    };
    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn each_try_waits_longer_than_the_one_before() {
        let after = |tries| next(at(0), tries, false, at(100), BACKOFF, 0.0);
        assert_eq!(after(1), Next::At(at(110)));
        assert_eq!(after(2), Next::At(at(120)));
        assert_eq!(after(50), Next::At(at(1000)));
    }

    #[test]
    fn what_the_receiver_does_not_take_waits_for_the_next_start() {
        assert_eq!(next(at(0), 1, true, at(1), BACKOFF, 0.0), Next::AtNextStart);
    }

    #[test]
    fn a_message_is_given_up_after_three_days() {
        let on = |now| next(at(0), 9, false, now, BACKOFF, 0.0);
        assert!(matches!(on(at(3 * DAY - 1)), Next::At(_)));
        assert_eq!(on(at(3 * DAY)), Next::GivenUp);
        assert!(!is_too_old(at(100), at(0)));
    }
}
