//! Adaptive rate of submissions: the configured rate, or a lower one that the service accepts.

use crate::api::Pace;
use crate::domain::Timestamp;
use crate::policy::rate::Rate;
use governor::clock::{Clock, DefaultClock};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

/// Rate limiter of submissions that adapts to accepted and rate-limited ones.
pub struct Tempo<C: Clock = DefaultClock> {
    ceiling: NonZeroU32,
    rate: Mutex<Rate>,
    pace: Pace<C>,
}

impl Tempo {
    /// Creates a limiter of at most `ceiling` submissions per minute.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self::with_pace(ceiling, Pace::per_minute(ceiling))
    }

    /// Waits for a token. Cancel safe: no token is taken if the future is dropped.
    pub async fn ready(&self) {
        self.pace.ready().await;
    }
}

impl<C: Clock + Clone> Tempo<C> {
    /// Creates a limiter that takes its tokens from `pace`, whose limit is `ceiling` per minute.
    #[must_use]
    pub fn with_pace(ceiling: NonZeroU32, pace: Pace<C>) -> Self {
        Self {
            ceiling,
            rate: Mutex::new(Rate::new(ceiling)),
            pace,
        }
    }

    /// Returns the underlying token bucket.
    #[must_use]
    pub const fn pace(&self) -> &Pace<C> {
        &self.pace
    }

    /// Records that a submission started at `began` was accepted.
    pub fn accepted(&self, began: Timestamp, now: Timestamp) {
        self.update(now, |rate| rate.accepted(began, now));
    }

    /// Records that a submission started at `began` was rejected by a rate limit.
    pub fn refused(&self, began: Timestamp, now: Timestamp) {
        let (is_lower, per_minute) = self.update(now, |rate| rate.refused(began, now));
        if is_lower {
            tracing::info!(
                per_minute,
                ceiling = self.ceiling,
                "the service accepts fewer submissions per minute than configured; lowering the rate"
            );
        }
    }

    /// Updates the rate estimate and applies it to the token bucket. Also returns the new rate, per minute.
    fn update<T>(&self, now: Timestamp, update: impl FnOnce(&mut Rate) -> T) -> (T, NonZeroU32) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let result = update(&mut rate);
        let allowed = rate.per_minute(now);
        self.pace
            .slow_to((allowed < self.ceiling).then_some(allowed));
        (result, allowed)
    }
}
