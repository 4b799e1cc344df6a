//! So many requests a minute, evenly spaced; fewer where the service wants fewer.

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Part of the limit that is used: the rest is for requests that are held up on their way and arrive together.
const USED: f64 = 0.97;

/// Hands out the right to make a request. The clock is governor's own.
pub struct Pace<C: Clock = DefaultClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    interval: Duration,
    spacing: Mutex<Spacing<C::Instant>>,
}

/// What is kept between two requests beyond the limit itself: nothing, unless the pace was slowed.
struct Spacing<I> {
    gap: Duration,
    last: Option<I>,
}

impl Pace {
    /// At most `limit` requests in any minute.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }

    /// Waits for the next request's turn. Cancelled, it takes no turn.
    pub async fn ready(&self) {
        while let Err(wait) = self.take() {
            tokio::time::sleep(wait).await;
        }
    }
}

impl<C: Clock + Clone> Pace<C> {
    /// At most `limit` requests in any minute by `clock`.
    #[must_use]
    pub fn with_clock(limit: NonZeroU32, clock: C) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(quota(limit), clock.clone()),
            clock,
            interval: interval(limit),
            spacing: Mutex::new(Spacing {
                gap: Duration::ZERO,
                last: None,
            }),
        }
    }

    /// How long so many requests take, where nothing but the limit keeps them back.
    #[must_use]
    pub fn time_for(&self, requests: usize) -> Duration {
        self.interval * u32::try_from(requests).unwrap_or(u32::MAX)
    }

    /// From now on at most `rate` requests a minute, or the limit where `rate` is `None`. The wait counts from the last
    /// request, so that a change never lets several through at once.
    pub fn slow_to(&self, rate: Option<NonZeroU32>) {
        let mut spacing = self.spacing.lock().unwrap_or_else(PoisonError::into_inner);
        spacing.gap = rate.map_or(Duration::ZERO, interval);
    }

    /// Takes the right to make a request now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn take(&self) -> Result<(), Duration> {
        let mut spacing = self.spacing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some(last) = spacing.last {
            let since: Duration = now.duration_since(last).into();
            if since < spacing.gap {
                return Err(spacing.gap - since);
            }
        }
        self.limiter
            .check()
            .map_err(|busy| busy.wait_time_from(now))?;
        spacing.last = Some(now);
        Ok(())
    }
}

/// One request each interval. At high rates a few at once, as a timer of a millisecond cannot space them.
fn quota(limit: NonZeroU32) -> Quota {
    let burst = NonZeroU32::new(limit.get() / 60 / 100).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(interval(limit))
        .unwrap_or_else(|| Quota::per_minute(limit))
        .allow_burst(burst)
}

fn interval(rate: NonZeroU32) -> Duration {
    Duration::from_secs_f64(60.0 / (f64::from(rate.get()) * USED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn pace(limit: u32) -> (Pace<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(NonZeroU32::new(limit).unwrap(), clock.clone());
        (pace, clock)
    }

    /// Requests that pass in so many steps.
    fn passed(
        pace: &Pace<FakeRelativeClock>,
        clock: &FakeRelativeClock,
        step: Duration,
        steps: u32,
    ) -> u32 {
        let mut passed = 0;
        for _ in 0..steps {
            while pace.take().is_ok() {
                passed += 1;
            }
            clock.advance(step);
        }
        passed
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_minute_never_sees_more_than_the_limit_and_more_than_nine_tenths_of_it() {
        for limit in [10, 30, 60, 120, 600, 6_000, 60_000] {
            let (pace, clock) = pace(limit);
            let passed = passed(&pace, &clock, MS, 60_000);
            assert!(passed <= limit, "{passed} of {limit}");
            assert!(passed * 10 >= limit * 9, "{passed} of {limit}");
        }
    }

    #[test]
    fn requests_are_spaced_however_long_nothing_was_asked() {
        let (pace, clock) = pace(60);
        clock.advance(Duration::from_secs(3600));
        assert!(pace.take().is_ok());
        assert!(pace.take().is_err());
        clock.advance(Duration::from_secs(1));
        assert!(pace.take().is_err());
        clock.advance(Duration::from_millis(31));
        assert!(pace.take().is_ok());
    }

    #[test]
    fn a_slower_pace_counts_from_the_last_request_and_a_faster_one_lets_no_more_than_one_through() {
        let (pace, clock) = pace(600);
        assert!(pace.take().is_ok());
        clock.advance(Duration::from_secs(1));
        pace.slow_to(NonZeroU32::new(10));
        let (interval, gone) = (interval(NonZeroU32::new(10).unwrap()), 1000 * MS);
        assert_eq!(pace.take(), Err(interval - gone));
        clock.advance(interval - gone);
        assert!(pace.take().is_ok());
        clock.advance(Duration::from_secs(5));
        pace.slow_to(None);
        assert!(pace.take().is_ok());
        assert!(pace.take().is_err());
    }

    #[test]
    fn no_minute_sees_more_than_the_rate_it_was_slowed_to() {
        for rate in [1, 7, 30, 59] {
            let (pace, clock) = pace(60);
            passed(&pace, &clock, MS, 60_000);
            pace.slow_to(NonZeroU32::new(rate));
            for _ in 0..3 {
                let passed = passed(&pace, &clock, 10 * MS, 6_000);
                assert!(passed <= rate, "{passed} of {rate}");
                assert!(passed + 1 >= rate * 9 / 10, "{passed} of {rate}");
            }
        }
    }
}
