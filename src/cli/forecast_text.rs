//! Words for the time left, which `status`, `status --watch` and `plan` share.

use super::terminal::format_duration;
use crate::domain::Timestamp;
use crate::domain::local_time::format_time;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Estimate of the time left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// Seconds until the last result of the active run.
    pub(super) left_s: Option<u64>,
    /// Seconds that a run would take.
    pub(super) when_run_s: Option<u64>,
    /// Time at which the active hours begin.
    pub(super) opens_at: Option<Timestamp>,
}

impl Estimate {
    /// Returns `about 7m 0s left`, `when it runs: about 7m 0s`, or `when it runs: about 7m 0s, not before 22:00`. `None` if
    /// nothing is known.
    pub(super) fn text(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let about = |seconds| format!("about {}", format_duration(Duration::from_secs(seconds)));
        if let Some(left_s) = self.left_s {
            return Some(format!("{} left", about(left_s)));
        }
        let time = about(self.when_run_s?);
        let opens_at = self.opens_at.map_or_else(String::new, |opens_at| {
            format!(", not before {}", format_time(opens_at, now, zone))
        });
        Some(format!("when it runs: {time}{opens_at}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_waits_for_its_hours_names_their_begin() {
        // 2026-11-21T03:04:05Z.
        let now = Timestamp::from_millis(1_795_230_245_000);
        let opens_at = Some(now.after(Duration::from_secs(3600)));
        let text = |left_s, when_run_s, opens_at| {
            let estimate = Estimate {
                left_s,
                when_run_s,
                opens_at,
            };
            estimate.text(now, &TimeZone::UTC)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(text(None, None, opens_at), None);
        assert_eq!(text(Some(420), None, opens_at), some("about 7m 0s left"));
        assert_eq!(
            text(None, Some(420), None),
            some("when it runs: about 7m 0s")
        );
        assert_eq!(
            text(None, Some(420), opens_at),
            some("when it runs: about 7m 0s, not before 04:04")
        );
    }
}
