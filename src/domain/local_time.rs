//! Times of day for people.

use super::time::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Times closer to now than this are shown without a date.
const SAME_NIGHT: Duration = Duration::from_secs(12 * 3600);

/// Formats a time in the time zone `zone`, with the date unless it is close to `now`: `03:10`, `2026-11-23 03:10`.
#[must_use]
pub fn format_time(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let is_near = time.since(now).max(now.since(time)) < SAME_NIGHT;
    let format = if is_near { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    formatted(time, zone, format)
}

/// Formats a time in the time zone `zone`, to the second: `2026-11-23 03:10:05`.
#[must_use]
pub fn format_date_time(time: Timestamp, zone: &TimeZone) -> String {
    formatted(time, zone, "%Y-%m-%d %H:%M:%S")
}

/// Formats the end of a period in the time zone `zone`, to the second, with the date unless it is that of `start`.
#[must_use]
pub fn format_end(end: Timestamp, start: Timestamp, zone: &TimeZone) -> String {
    let date = |time| formatted(time, zone, "%Y-%m-%d");
    if date(end) == date(start) {
        formatted(end, zone, "%H:%M:%S")
    } else {
        format_date_time(end, zone)
    }
}

/// Formats a time in the time zone `zone` with its offset from UTC, for readers elsewhere: `2026-11-23 03:10:05 +01:00`.
#[must_use]
pub fn format_with_offset(time: Timestamp, zone: &TimeZone) -> String {
    formatted(time, zone, "%Y-%m-%d %H:%M:%S %:z")
}

fn formatted(time: Timestamp, zone: &TimeZone, format: &str) -> String {
    match jiff::Timestamp::from_millisecond(time.millis()) {
        Ok(shown) => shown.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eastern time of the United States, by its rules.
    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    #[test]
    fn a_repeated_hour_is_told_apart_by_its_offset() {
        // 2026-11-01T05:30:00Z, before the clocks are set back, and an hour later.
        let first = Timestamp::from_millis(1_793_511_000_000);
        let second = first.after(Duration::from_secs(3600));
        let zone = new_york();
        assert_eq!(
            [first, second].map(|time| format_with_offset(time, &zone)),
            ["2026-11-01 01:30:00 -04:00", "2026-11-01 01:30:00 -05:00"]
        );
        assert_eq!(format_date_time(first, &zone), "2026-11-01 01:30:00");
        let kolkata = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap());
        assert_eq!(
            format_with_offset(first, &kolkata),
            "2026-11-01 11:00:00 +05:30"
        );
    }

    #[test]
    fn an_end_has_a_date_on_another_day() {
        // 2026-11-21T03:04:05Z.
        let start = Timestamp::from_millis(1_795_230_245_000);
        let end = start.after(Duration::from_secs(3600));
        assert_eq!(format_end(end, start, &TimeZone::UTC), "04:04:05");
        let zone = TimeZone::fixed(jiff::tz::offset(-4));
        assert_eq!(format_end(end, start, &zone), "2026-11-21 00:04:05");
    }

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
