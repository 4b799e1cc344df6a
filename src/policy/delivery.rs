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

/// A message whose latest delivery failed.
#[derive(Debug, Clone, Copy)]
pub struct Undelivered {
    /// Time of its creation.
    pub created_at: Timestamp,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Whether the receiver rejected it permanently.
    pub is_rejected: bool,
}

/// Returns the action for a message whose latest delivery failed at `now`. `jitter` is from 0 to 1.
#[must_use]
pub fn next_delivery(
    message: Undelivered,
    now: Timestamp,
    backoff: Backoff,
    jitter: f64,
) -> NextDelivery {
    if is_too_old(message.created_at, now) {
        NextDelivery::GiveUp
    } else if message.is_rejected {
        NextDelivery::AtNextStart
    } else {
        NextDelivery::At(now.after(backoff.delay(message.attempts, jitter)))
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

    fn message(attempts: u32) -> Undelivered {
        Undelivered {
            created_at: at(0),
            attempts,
            is_rejected: false,
        }
    }

    #[test]
    fn delays_grow_with_each_attempt() {
        let after = |attempts| next_delivery(message(attempts), at(100), BACKOFF, 0.0);
        assert_eq!(after(1), NextDelivery::At(at(110)));
        assert_eq!(after(2), NextDelivery::At(at(120)));
        assert_eq!(after(50), NextDelivery::At(at(1000)));
    }

    #[test]
    fn a_permanent_rejection_waits_for_the_next_start() {
        let rejected = Undelivered {
            is_rejected: true,
            ..message(1)
        };
        let next = next_delivery(rejected, at(1), BACKOFF, 0.0);
        assert_eq!(next, NextDelivery::AtNextStart);
    }

    #[test]
    fn a_message_is_dropped_after_three_days() {
        let on = |now| next_delivery(message(9), now, BACKOFF, 0.0);
        assert!(matches!(on(at(3 * DAY - 1)), NextDelivery::At(_)));
        assert_eq!(on(at(3 * DAY)), NextDelivery::GiveUp);
        assert!(!is_too_old(at(100), at(0)));
    }
}
