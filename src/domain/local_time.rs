//! Times of day for people.

use super::time::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Times closer to now than this are shown without a date.
const SAME_NIGHT: Duration = Duration::from_secs(12 * 3600);

/// Formats a time in the time zone `zone`, with the date unless it is close to `now`: `03:10`, `2026-11-23 03:10`.
#[must_use]
pub fn format_time(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let Ok(shown) = jiff::Timestamp::from_millisecond(time.millis()) else {
        return time.to_string();
    };
    let is_near = time.since(now).max(now.since(time)) < SAME_NIGHT;
    let format = if is_near { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    shown.to_zoned(zone.clone()).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_within_twelve_hours_have_no_date() {
        let now = Timestamp::from_millis(1_795_230_245_000);
        let shown = [0, 3600, 43_200, 86_400].map(|seconds| {
            format_time(now.after(Duration::from_secs(seconds)), now, &TimeZone::UTC)
        });
        let expected = ["03:04", "04:04", "2026-11-21 15:04", "2026-11-22 03:04"];
        assert_eq!(shown, expected);
        assert_eq!(
            format_time(now, now, &TimeZone::fixed(jiff::tz::offset(2))),
            "05:04"
        );
        assert_eq!(
            format_time(now, now.after(Duration::from_secs(60)), &TimeZone::UTC),
            "03:04"
        );
    }
}
