//! Days in local time, and the period of a daily summary.

use crate::domain::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Returns the local date at `now`, or `None` beyond the calendar.
#[must_use]
pub fn date_of(now: Timestamp, zone: &TimeZone) -> Option<Date> {
    let now = jiff::Timestamp::from_millisecond(now.millis()).ok()?;
    Some(zone.to_datetime(now).date())
}

/// Returns the first moment of a day, also when the clocks change on that day. Returns `None` beyond the calendar.
#[must_use]
pub fn start_of_day(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = date.to_zoned(zone.clone()).ok()?.timestamp();
    Some(Timestamp::from_millis(start.as_millisecond()))
}

/// Returns the next midnight after `now` in `zone`, or `None` at the end of the calendar.
#[must_use]
pub fn next_midnight(now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    start_of_day(date_of(now, zone)?.tomorrow().ok()?, zone)
}

/// Returns the start of the period of a summary that ends at `until`.
///
/// The period starts at the end of the previous summary. If the clock was set back before that time, it starts with the
/// run instead.
#[must_use]
pub fn summary_start(previous_end: Timestamp, run_start: Timestamp, until: Timestamp) -> Timestamp {
    if previous_end <= until {
        previous_end
    } else {
        run_start.min(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn midnight(now: &str, zone: &str) -> String {
        let now: jiff::Timestamp = now.parse().unwrap();
        let zone = TimeZone::posix(zone).unwrap();
        let now = Timestamp::from_millis(now.as_millisecond());
        next_midnight(now, &zone).unwrap().to_string()
    }

    #[test]
    fn a_day_ends_at_local_midnight() {
        assert_eq!(
            midnight("2026-11-21T12:00:00Z", "UTC0"),
            "2026-11-22T00:00:00Z"
        );
        assert_eq!(
            midnight("2026-11-21T12:00:00Z", "CET-1"),
            "2026-11-21T23:00:00Z"
        );
        assert_eq!(
            midnight("2026-11-21T23:00:00Z", "CET-1"),
            "2026-11-22T23:00:00Z"
        );
        assert_eq!(
            midnight("2026-11-21T12:00:00Z", "PST8"),
            "2026-11-22T08:00:00Z"
        );
    }

    #[test]
    fn a_clock_change_does_not_move_midnight() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(
            midnight("2026-03-29T00:30:00Z", berlin),
            "2026-03-29T22:00:00Z"
        );
        assert_eq!(
            midnight("2026-10-25T00:30:00Z", berlin),
            "2026-10-25T23:00:00Z"
        );
    }

    #[test]
    fn a_summary_starts_where_the_previous_one_ended() {
        let at = Timestamp::from_millis;
        assert_eq!(summary_start(at(5), at(9), at(20)), at(5));
        assert_eq!(
            summary_start(at(50), at(9), at(20)),
            at(9),
            "the clock was set back"
        );
        assert_eq!(summary_start(at(50), at(40), at(20)), at(20));
    }
}
