//! The one place that reads the time.

use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest a sleeper trusts the timer before it looks at the clock again: a suspended machine or a clock that was
/// set is noticed within that.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A source of the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time zone of the clock on the wall.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// The machine's clock.
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

/// Sleeps until `time` has come by `clock`, or the clock was set back: whoever waits decides anew. Safe to drop at any
/// moment.
pub async fn sleep_until(clock: &dyn Clock, time: Timestamp) {
    let mut looked_at = clock.now();
    loop {
        let now = clock.now();
        let left = time.since(now);
        if left.is_zero() || now < looked_at {
            return;
        }
        looked_at = now;
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}
