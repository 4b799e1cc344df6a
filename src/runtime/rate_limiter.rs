//! Rate limiter: evenly spaced requests up to a limit per minute, or up to a lower rate.

use governor::Quota;
use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Fraction of the limit that is used. The rest is a margin for requests that are delayed on the network and arrive
/// together.
const LIMIT_FRACTION: f64 = 0.97;

/// Rate limiter for requests, a wrapper around governor's.
pub struct RateLimiter<C: Clock = DefaultClock> {
    limiter: governor::RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    interval: Duration,
    spacing: Mutex<Spacing<C::Instant>>,
}

/// Additional gap between two requests. Zero unless the rate was lowered.
struct Spacing<I> {
    gap: Duration,
    last: Option<I>,
}

impl RateLimiter {
    /// Creates a limiter of at most `limit` requests in any minute.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }

    /// Waits until a request is allowed, and counts it. A cancelled wait counts nothing.
    pub async fn acquire(&self) {
        while let Err(wait) = self.try_acquire() {
            tokio::time::sleep(wait).await;
        }
    }
}

impl<C: Clock + Clone> RateLimiter<C> {
    /// Creates a limiter of at most `limit` requests in any minute of `clock`.
    #[must_use]
    pub fn with_clock(limit: NonZeroU32, clock: C) -> Self {
        Self {
            limiter: governor::RateLimiter::direct_with_clock(quota(limit), clock.clone()),
            clock,
            interval: interval(limit),
            spacing: Mutex::new(Spacing {
                gap: Duration::ZERO,
                last: None,
            }),
        }
    }

    /// Returns the time that a number of requests takes at the limit.
    #[must_use]
    pub fn time_for(&self, requests: usize) -> Duration {
        self.interval * u32::try_from(requests).unwrap_or(u32::MAX)
    }

    /// Lowers the rate to `rate` requests per minute, or restores the limit if `rate` is `None`.
    ///
    /// The gap counts from the last request, so a change of the rate never causes a burst.
    pub fn set_rate(&self, rate: Option<NonZeroU32>) {
        let mut spacing = self.spacing.lock().unwrap_or_else(PoisonError::into_inner);
        spacing.gap = rate.map_or(Duration::ZERO, interval);
    }

    /// Counts a request if one is allowed now.
    ///
    /// # Errors
    /// Returns the time until the next attempt if no request is allowed yet.
    pub fn try_acquire(&self) -> Result<(), Duration> {
        let mut spacing = self.spacing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some(last) = spacing.last {
            let elapsed: Duration = now.duration_since(last).into();
            if elapsed < spacing.gap {
                return Err(spacing.gap - elapsed);
            }
        }
        self.limiter
            .check()
            .map_err(|busy| busy.wait_time_from(now))?;
        spacing.last = Some(now);
        Ok(())
    }
}

/// Returns a quota of one request per interval.
///
/// From 12,000 requests per minute on, the quota allows bursts, because timers have a resolution of one millisecond.
fn quota(limit: NonZeroU32) -> Quota {
    let burst = NonZeroU32::new(limit.get() / 60 / 100).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(interval(limit))
        .unwrap_or_else(|| Quota::per_minute(limit))
        .allow_burst(burst)
}

fn interval(rate: NonZeroU32) -> Duration {
    Duration::from_secs_f64(60.0 / (f64::from(rate.get()) * LIMIT_FRACTION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn pace(limit: u32) -> (RateLimiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let pace = RateLimiter::with_clock(NonZeroU32::new(limit).unwrap(), clock.clone());
        (pace, clock)
    }

    /// Counts the requests that are allowed during a number of steps.
    fn count_allowed(
        pace: &RateLimiter<FakeRelativeClock>,
        clock: &FakeRelativeClock,
        step: Duration,
        steps: u32,
    ) -> u32 {
        let mut allowed = 0;
        for _ in 0..steps {
            while pace.try_acquire().is_ok() {
                allowed += 1;
            }
            clock.advance(step);
        }
        allowed
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_minute_uses_most_of_the_limit() {
        for limit in [10, 30, 60, 120, 600, 6_000, 60_000] {
            let (pace, clock) = pace(limit);
            let allowed = count_allowed(&pace, &clock, MS, 60_000);
            assert!(allowed <= limit, "{allowed} of {limit}");
            assert!(allowed * 10 >= limit * 9, "{allowed} of {limit}");
        }
    }

    #[test]
    fn idle_time_allows_no_burst() {
        let (pace, clock) = pace(60);
        clock.advance(Duration::from_secs(3600));
        assert!(pace.try_acquire().is_ok());
        assert!(pace.try_acquire().is_err());
        clock.advance(Duration::from_secs(1));
        assert!(pace.try_acquire().is_err());
        clock.advance(Duration::from_millis(31));
        assert!(pace.try_acquire().is_ok());
    }

    #[test]
    fn rate_changes_count_from_the_last_request() {
        let (pace, clock) = pace(600);
        assert!(pace.try_acquire().is_ok());
        clock.advance(Duration::from_secs(1));
        pace.set_rate(NonZeroU32::new(10));
        let (interval, elapsed) = (interval(NonZeroU32::new(10).unwrap()), 1000 * MS);
        assert_eq!(pace.try_acquire(), Err(interval - elapsed));
        clock.advance(interval - elapsed);
        assert!(pace.try_acquire().is_ok());
        clock.advance(Duration::from_secs(5));
        pace.set_rate(None);
        assert!(pace.try_acquire().is_ok());
        assert!(pace.try_acquire().is_err());
    }

    #[test]
    fn no_minute_exceeds_the_lowered_rate() {
        for rate in [1, 7, 30, 59] {
            let (pace, clock) = pace(60);
            count_allowed(&pace, &clock, MS, 60_000);
            pace.set_rate(NonZeroU32::new(rate));
            for _ in 0..3 {
                let allowed = count_allowed(&pace, &clock, 10 * MS, 6_000);
                assert!(allowed <= rate, "{allowed} of {rate}");
                assert!(allowed + 1 >= rate * 9 / 10, "{allowed} of {rate}");
            }
        }
    }
}
