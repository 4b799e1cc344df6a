//! Days of the clock on the wall, and when one closes.

use crate::domain::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day that the clock shows at `now`. `None` beyond the calendar.
#[must_use]
pub fn date_of(now: Timestamp, zone: &TimeZone) -> Option<Date> {
    let now = jiff::Timestamp::from_millisecond(now.millis()).ok()?;
    Some(zone.to_datetime(now).date())
}

/// The first moment of a day, whatever the clocks do that night. `None` beyond the calendar.
#[must_use]
pub fn start_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = date.to_zoned(zone.clone()).ok()?.timestamp();
    Some(Timestamp::from_millis(start.as_millisecond()))
}

/// The midnight after `now` where the clocks show `zone`. `None` at the end of the calendar.
#[must_use]
pub fn next_midnight(now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    start_of(date_of(now, zone)?.tomorrow().ok()?, zone)
}

/// The span that a summary is of, which ends at `until`: it begins where the one before ended (`told`), and where the
/// clock was set back behind that, with the run.
#[must_use]
pub fn since(told: Timestamp, began: Timestamp, until: Timestamp) -> Timestamp {
    if told <= until {
        told
    } else {
        began.min(until)
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
    fn a_day_closes_at_midnight_where_the_clock_hangs() {
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
    fn a_day_on_which_the_clocks_change_closes_at_its_own_midnight() {
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
    fn a_summary_begins_where_the_one_before_ended() {
        let at = Timestamp::from_millis;
        assert_eq!(since(at(5), at(9), at(20)), at(5));
        assert_eq!(
            since(at(50), at(9), at(20)),
            at(9),
            "the clock was set back"
        );
        assert_eq!(since(at(50), at(40), at(20)), at(20));
    }
}
