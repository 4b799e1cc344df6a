//! Times as text, in the time zone of this machine.

use crate::app::duration_text::format_duration;
use crate::app::wait_text::WaitText;
use crate::domain::Timestamp;
use crate::domain::local_time::format_time;
use crate::runtime::clock::{Clock as _, SystemClock};
use jiff::tz::TimeZone;
use std::time::Duration;

/// Time of a page, from which its texts are made.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// Time of the page.
    pub(super) now: Timestamp,
    /// Time zone of its times.
    pub(super) zone: TimeZone,
}

impl Clock {
    /// Returns the clock of a page at `now`.
    pub(super) fn at(now: Timestamp) -> Self {
        let zone = SystemClock.zone();
        Self { now, zone }
    }

    /// Returns a time, with the date unless it is close.
    pub(super) fn time(&self, time: Timestamp) -> String {
        format_time(time, self.now, &self.zone)
    }

    /// Returns the time since `time`.
    pub(super) fn since(&self, time: Timestamp) -> String {
        format_duration(self.now.since(time))
    }

    /// Returns the time until an expiry.
    pub(super) fn until_expiry(&self, expiry: Timestamp) -> String {
        match expiry > self.now {
            true => format!("in {}", format_duration(expiry.since(self.now))),
            false => "expired, unless the service still has it".to_owned(),
        }
    }

    /// Returns the writer of sentences about waiting items.
    pub(super) fn wait_text(&self) -> WaitText {
        WaitText {
            now: self.now,
            zone: self.zone.clone(),
        }
    }
}

/// Returns a length in seconds as text, and nothing if it is not known.
pub(super) fn length(seconds: Option<f64>) -> String {
    let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    seconds.map_or_else(String::new, |seconds| {
        format_duration(Duration::from_secs_f64(seconds.min(1e9)))
    })
}
