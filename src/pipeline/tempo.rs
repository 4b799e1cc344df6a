//! The pace of submissions: the configured one, or the slower one that the service accepts.

use crate::api::Pace;
use crate::domain::Timestamp;
use crate::policy::rate::Rate;
use governor::clock::{Clock, DefaultClock};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

/// Tokens for submissions, at a rate that follows what becomes of them.
pub struct Tempo<C: Clock = DefaultClock> {
    ceiling: NonZeroU32,
    rate: Mutex<Rate>,
    pace: Pace<C>,
}

impl Tempo {
    /// At most `ceiling` submissions in any minute.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self::with_pace(ceiling, Pace::per_minute(ceiling))
    }

    /// Waits for the next submission's turn. Cancelled, it takes no turn.
    pub async fn ready(&self) {
        self.pace.ready().await;
    }
}

impl<C: Clock + Clone> Tempo<C> {
    /// Tokens of `pace`, whose limit is `ceiling`.
    #[must_use]
    pub fn with_pace(ceiling: NonZeroU32, pace: Pace<C>) -> Self {
        Self {
            ceiling,
            rate: Mutex::new(Rate::new(ceiling)),
            pace,
        }
    }

    /// The tokens.
    #[must_use]
    pub const fn pace(&self) -> &Pace<C> {
        &self.pace
    }

    /// A submission begun at `began` was accepted.
    pub fn accepted(&self, began: Timestamp, now: Timestamp) {
        self.change(now, |rate| rate.accepted(began, now));
    }

    /// A submission begun at `began` was refused because too many came.
    pub fn refused(&self, began: Timestamp, now: Timestamp) {
        let (is_lower, per_minute) = self.change(now, |rate| rate.refused(began, now));
        if is_lower {
            tracing::info!(
                per_minute,
                ceiling = self.ceiling,
                "the service accepts fewer submissions a minute than configured; it is given fewer"
            );
        }
    }

    /// Changes what is known of the rate; also answers what is allowed then.
    fn change<T>(&self, now: Timestamp, change: impl FnOnce(&mut Rate) -> T) -> (T, NonZeroU32) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut rate);
        let allowed = rate.per_minute(now);
        self.pace
            .slow_to((allowed < self.ceiling).then_some(allowed));
        (changed, allowed)
    }
}
