//! The clock. No other module reads the system time.

use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time between the instants at which periodic work is done. They are common to the whole program, so that an idle one wakes
/// once for all of them.
///
/// The timers of tokio are sorted into slots of 64, 4096 and more milliseconds, and wake at the beginning of a slot. A multiple
/// of these wakes once. Any other time wakes once for each size.
const STEP: Duration = Duration::from_millis(1024);
/// Steps between two readings of the clock while sleeping. A suspended machine or a clock that was set is detected within it.
const CLOCK_CHECK_STEPS: u32 = 8;

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

/// Starts the clock. Called immediately before the runtime starts, whose timers count from there, so that [`sleep_steps`] wakes
/// only once.
pub fn start() {
    LazyLock::force(&START);
}

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
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = sleep_steps(CLOCK_CHECK_STEPS) => {}
        }
    }
}

/// Sleeps until the next of the common instants that lie `steps` steps of 1.024 seconds apart. Cancel safe.
pub(crate) async fn sleep_steps(steps: u32) {
    let elapsed = tokio::time::Instant::now()
        .into_std()
        .saturating_duration_since(START.0);
    let next = START.0 + next_multiple(elapsed, STEP * steps);
    tokio::time::sleep_until(next.into()).await;
}

/// Returns the first multiple of `period` after `elapsed`.
fn next_multiple(elapsed: Duration, period: Duration) -> Duration {
    let past = elapsed.as_nanos() % period.as_nanos();
    elapsed + period - Duration::from_nanos(past as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_common_to_all_periods() {
        let next = |elapsed_ms, period_ms| {
            let [elapsed, period] = [elapsed_ms, period_ms].map(Duration::from_millis);
            next_multiple(elapsed, period).as_millis()
        };
        assert_eq!(
            [0, 1, 1023, 1024].map(|at| next(at, 1024)),
            [1024, 1024, 1024, 2048]
        );
        assert_eq!(
            [0, 2047, 2048, 5000].map(|at| next(at, 2048)),
            [2048, 2048, 4096, 6144]
        );
    }
}
