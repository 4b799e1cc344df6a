//! Adaptive rate of submissions: the configured rate, or a lower one that the service accepts.

use crate::domain::Timestamp;
use crate::policy::rate_estimate::RateEstimate;
use crate::runtime::rate_limiter::RateLimiter;
use governor::clock::{Clock, DefaultClock};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

/// Rate limiter of submissions that adapts to accepted and rate-limited ones.
pub struct SubmitRate<C: Clock = DefaultClock> {
    ceiling: NonZeroU32,
    rate: Mutex<RateEstimate>,
    pace: RateLimiter<C>,
}

impl SubmitRate {
    /// Creates a limiter of at most `ceiling` submissions per minute.
    #[must_use]
    pub fn new(ceiling: NonZeroU32) -> Self {
        Self::with_limiter(ceiling, RateLimiter::per_minute(ceiling))
    }

    /// Waits for a token. Cancel safe: no token is taken if the future is dropped.
    pub async fn ready(&self) {
        self.pace.acquire().await;
    }
}

impl<C: Clock + Clone> SubmitRate<C> {
    /// Creates a limiter that takes its tokens from `pace`, whose limit is `ceiling` per minute.
    #[must_use]
    pub fn with_limiter(ceiling: NonZeroU32, pace: RateLimiter<C>) -> Self {
        Self {
            ceiling,
            rate: Mutex::new(RateEstimate::new(ceiling)),
            pace,
        }
    }

    /// Returns the underlying token bucket.
    #[must_use]
    pub const fn limiter(&self) -> &RateLimiter<C> {
        &self.pace
    }

    /// Records that a submission started at `began` was accepted.
    pub fn record_accepted(&self, began: Timestamp, now: Timestamp) {
        self.update(now, |rate| rate.record_accepted(began, now));
    }

    /// Records that a submission started at `began` was rejected by a rate limit.
    pub fn record_rate_limited(&self, began: Timestamp, now: Timestamp) {
        let (is_lower, per_minute) = self.update(now, |rate| rate.record_rejected(began, now));
        if is_lower {
            tracing::info!(
                per_minute,
                ceiling = self.ceiling,
                "the service accepts fewer submissions per minute than configured; lowering the rate"
            );
        }
    }

    /// Updates the rate estimate and applies it to the token bucket. Also returns the new rate, per minute.
    fn update<T>(
        &self,
        now: Timestamp,
        update: impl FnOnce(&mut RateEstimate) -> T,
    ) -> (T, NonZeroU32) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let result = update(&mut rate);
        let allowed = rate.per_minute(now);
        self.pace
            .set_rate((allowed < self.ceiling).then_some(allowed));
        (result, allowed)
    }
}
