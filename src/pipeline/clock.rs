//! The one place that reads the time.

use crate::domain::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest a sleeper trusts the timer before it looks at the clock again: a suspended machine or a clock that was
/// set is noticed within that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A source of the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
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
}

/// Sleeps until `time` has come by `clock`. Safe to drop at any moment.
pub async fn sleep_until(clock: &dyn Clock, time: Timestamp) {
    loop {
        let left = time.since(clock.now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}
