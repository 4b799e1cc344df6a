//! The clock. No other module reads the system time.

use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Maximum time between two readings of the clock while sleeping. A suspended machine or a clock that was set is
/// detected within it.
pub(crate) const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the local time zone.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(0).after(since),
            Err(before) => Timestamp::from_millis(0).before(before.duration()),
        }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// Sleeps until `clock` reaches `time`, or until the clock is set back, so that the caller can decide again. Cancel
/// safe.
pub async fn sleep_until(clock: &dyn Clock, time: Timestamp) {
    let mut last_seen = clock.now();
    loop {
        let now = clock.now();
        let left = time.since(now);
        if left.is_zero() || now < last_seen {
            return;
        }
        last_seen = now;
        tokio::time::sleep(left.min(CLOCK_CHECK_INTERVAL)).await;
    }
}
