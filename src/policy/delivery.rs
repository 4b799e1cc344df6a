//! Retries of notification messages.

use super::backoff::Backoff;
use crate::domain::Timestamp;
use std::time::Duration;

/// Maximum age of a message. Older messages are dropped.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// Action after a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Retry at this time.
    At(Timestamp),
    /// Retry at the next start of nightscribe. Until an operator changes something, retries are pointless.
    AtNextStart,
    /// Give up.
    GivenUp,
}

/// Returns the action for a message created at `created_at`, of which the latest attempt failed at `now`.
///
/// `attempts` counts all attempts so far. `permanent` means that the receiver rejected the message permanently.
#[must_use]
pub fn next(
    created_at: Timestamp,
    attempts: u32,
    permanent: bool,
    now: Timestamp,
    backoff: Backoff,
    jitter: f64,
) -> Next {
    if is_too_old(created_at, now) {
        Next::GivenUp
    } else if permanent {
        Next::AtNextStart
    } else {
        Next::At(now.after(backoff.delay(attempts, jitter)))
    }
}

/// Returns whether a message is too old to be delivered.
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
    fn delays_grow_with_each_attempt() {
        let after = |attempts| next(at(0), attempts, false, at(100), BACKOFF, 0.0);
        assert_eq!(after(1), Next::At(at(110)));
        assert_eq!(after(2), Next::At(at(120)));
        assert_eq!(after(50), Next::At(at(1000)));
    }

    #[test]
    fn a_permanent_rejection_waits_for_the_next_start() {
        assert_eq!(next(at(0), 1, true, at(1), BACKOFF, 0.0), Next::AtNextStart);
    }

    #[test]
    fn a_message_is_dropped_after_three_days() {
        let on = |now| next(at(0), 9, false, now, BACKOFF, 0.0);
        assert!(matches!(on(at(3 * DAY - 1)), Next::At(_)));
        assert_eq!(on(at(3 * DAY)), Next::GivenUp);
        assert!(!is_too_old(at(100), at(0)));
    }
}
