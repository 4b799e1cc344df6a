//! The clock. No other module reads the system time.

use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Maximum time between two readings of the clock while sleeping. A suspended machine or a clock that was set is
/// detected within it.
pub(crate) const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the time by a clock that is never set. It equals [`now`](Self::now) at the start of the program, and the
    /// difference of two readings is the time between them. It may stand still while the machine is suspended.
    fn steady(&self) -> Timestamp {
        self.now()
    }

    /// Returns the local time zone.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// Readings of both clocks at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// [`Clock::now`].
    pub now: Timestamp,
    /// [`Clock::steady`].
    pub steady: Timestamp,
}

impl Reading {
    /// Reads both clocks.
    #[must_use]
    pub fn of(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            steady: clock.steady(),
        }
    }

    /// Returns the steady time of a time of the system clock.
    #[must_use]
    pub fn to_steady(self, time: Timestamp) -> Timestamp {
        shift(time, self.now, self.steady)
    }

    /// Returns the time of the system clock of a steady time.
    #[must_use]
    pub fn to_system(self, time: Timestamp) -> Timestamp {
        shift(time, self.steady, self.now)
    }
}

fn shift(time: Timestamp, from: Timestamp, to: Timestamp) -> Timestamp {
    if time >= from {
        to.after(time.since(from))
    } else {
        to.before(from.since(time))
    }
}

/// Readings of both clocks when the first of them was asked for.
static START: LazyLock<(Instant, Timestamp)> = LazyLock::new(|| (Instant::now(), system_time()));

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        system_time()
    }

    fn steady(&self) -> Timestamp {
        let (instant, time) = &*START;
        time.after(instant.elapsed())
    }

    fn zone(&self) -> TimeZone {
        local_zone().unwrap_or_else(TimeZone::system)
    }
}

/// Reads the time zone of this machine from its usual place. To find it by its name, all folders of the database of time
/// zones would be listed, which takes a quarter of the time of `status`.
fn local_zone() -> Option<TimeZone> {
    if std::env::var_os("TZ").is_some() {
        return None;
    }
    let zone = std::fs::read("/etc/localtime").ok()?;
    TimeZone::tzif("local", &zone).ok()
}

fn system_time() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_millis(0).after(since),
        Err(before) => Timestamp::from_millis(0).before(before.duration()),
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
