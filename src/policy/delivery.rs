//! Retries of notification messages.

use super::backoff::Backoff;
use crate::domain::Timestamp;
use std::time::Duration;

/// Maximum age of a message. Older messages are dropped.
pub const MAX_MESSAGE_AGE: Duration = Duration::from_secs(3 * 24 * 3600);

/// Action after a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextDelivery {
    /// Retry at this time.
    At(Timestamp),
    /// Retry at the next start of nightscribe. Until an operator changes something, retries are pointless.
    AtNextStart,
    /// Give up.
    GiveUp,
}

/// Returns the action for a message created at `created_at`, of which the latest attempt failed at `now`.
///
/// `attempts` counts all attempts so far. `permanent` means that the receiver rejected the message permanently.
#[must_use]
pub fn next_delivery(
    created_at: Timestamp,
    attempts: u32,
    permanent: bool,
    now: Timestamp,
    backoff: Backoff,
    jitter: f64,
) -> NextDelivery {
    if is_too_old(created_at, now) {
        NextDelivery::GiveUp
    } else if permanent {
        NextDelivery::AtNextStart
    } else {
        NextDelivery::At(now.after(backoff.delay(attempts, jitter)))
    }
}

/// Returns whether a message is too old to be delivered.
#[must_use]
pub fn is_too_old(created_at: Timestamp, now: Timestamp) -> bool {
    now.since(created_at) >= MAX_MESSAGE_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    };
    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn delays_grow_with_each_attempt() {
        let after = |attempts| next_delivery(at(0), attempts, false, at(100), BACKOFF, 0.0);
        assert_eq!(after(1), NextDelivery::At(at(110)));
        assert_eq!(after(2), NextDelivery::At(at(120)));
        assert_eq!(after(50), NextDelivery::At(at(1000)));
    }

    #[test]
    fn a_permanent_rejection_waits_for_the_next_start() {
        assert_eq!(
            next_delivery(at(0), 1, true, at(1), BACKOFF, 0.0),
            NextDelivery::AtNextStart
        );
    }

    #[test]
    fn a_message_is_dropped_after_three_days() {
        let on = |now| next_delivery(at(0), 9, false, now, BACKOFF, 0.0);
        assert!(matches!(on(at(3 * DAY - 1)), NextDelivery::At(_)));
        assert_eq!(on(at(3 * DAY)), NextDelivery::GiveUp);
        assert!(!is_too_old(at(100), at(0)));
    }
}
