//! So many requests a minute, evenly spaced.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

/// Part of the limit that is used: the rest is for requests that are held up on their way and arrive together.
const USED: f64 = 0.97;

/// Hands out the right to make a request. The clock is governor's own.
pub struct Pace<C: Clock = DefaultClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
}

impl Pace {
    /// At most `limit` requests in any minute.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }

    /// Waits for the next request's turn. Cancelled, it takes no turn.
    pub async fn ready(&self) {
        self.limiter.until_ready().await;
    }
}

impl<C: Clock> Pace<C> {
    fn with_clock(limit: NonZeroU32, clock: C) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(quota(limit), clock),
        }
    }
}

/// One request each interval. At high rates a few at once, as a timer of a millisecond cannot space them.
fn quota(limit: NonZeroU32) -> Quota {
    let interval = Duration::from_secs_f64(60.0 / (f64::from(limit.get()) * USED));
    let burst = NonZeroU32::new(limit.get() / 60 / 100).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(interval)
        .unwrap_or_else(|| Quota::per_minute(limit))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn passed(limit: u32, step: Duration, steps: u32) -> u32 {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(NonZeroU32::new(limit).unwrap(), clock.clone());
        let mut passed = 0;
        for _ in 0..steps {
            while pace.limiter.check().is_ok() {
                passed += 1;
            }
            clock.advance(step);
        }
        passed
    }

    #[test]
    fn the_first_minute_never_sees_more_than_the_limit_and_more_than_nine_tenths_of_it() {
        for limit in [10, 30, 60, 120, 600, 6_000, 60_000] {
            let passed = passed(limit, Duration::from_millis(1), 60_000);
            assert!(passed <= limit, "{passed} of {limit}");
            assert!(passed * 10 >= limit * 9, "{passed} of {limit}");
        }
    }

    #[test]
    fn requests_are_spaced_however_long_nothing_was_asked() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(NonZeroU32::new(60).unwrap(), clock.clone());
        clock.advance(Duration::from_secs(3600));
        assert!(pace.limiter.check().is_ok());
        assert!(pace.limiter.check().is_err());
        clock.advance(Duration::from_secs(1));
        assert!(pace.limiter.check().is_err());
        clock.advance(Duration::from_millis(31));
        assert!(pace.limiter.check().is_ok());
    }
}
