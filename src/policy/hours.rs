//! Active hours, in which recordings are submitted. Pending results are fetched at any hour.
//!
//! Hours are in local time. A clock change can repeat the start or the end of a range. The first occurrence then
//! counts. A clock change can also skip it. The time at which the clock would have shown it then counts. The range may be an
//! hour longer or shorter on that day, but it is never skipped.

use super::day::date_of;
use crate::domain::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Time of day, to the minute. 24:00 is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: i16,
}

impl TimeOfDay {
    /// Returns the first occurrence after `now` in local time.
    #[must_use]
    pub fn next_after(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = date_of(now, zone)?;
        (0..=2)
            .filter_map(|days| self.on(today.checked_add(days.days()).ok()?, zone))
            .find(|&time| time > now)
    }

    fn on(self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        let date = date.checked_add((self.minutes / (24 * 60)).days()).ok()?;
        let minutes = self.minutes % (24 * 60);
        let (hour, minute) = (i8::try_from(minutes / 60), i8::try_from(minutes % 60));
        let time = zone
            .to_timestamp(date.at(hour.ok()?, minute.ok()?, 0, 0))
            .ok()?;
        Some(Timestamp::from_millis(time.as_millisecond()))
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;

    fn from_str(text: &str) -> Result<Self, InvalidTimeOfDay> {
        let error = || InvalidTimeOfDay(text.to_owned());
        let (hours, minutes) = text.split_once(':').ok_or_else(error)?;
        let number = |digits: &str| {
            let plain = matches!(digits.len(), 1..=2) && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse::<i16>().ok()).flatten()
        };
        let (hours, minutes) = number(hours)
            .zip(number(minutes))
            .filter(|&(hours, minutes)| minutes < 60 && hours * 60 + minutes <= 24 * 60)
            .ok_or_else(error)?;
        Ok(Self {
            minutes: hours * 60 + minutes,
        })
    }
}

/// Error for an invalid time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time like \"06:00\", found \"{0}\"")]
pub struct InvalidTimeOfDay(String);

/// Range of hours on some days of the week: `22:00-06:00`, `mon-fri 19:00-07:00`, `sat,sun 00:00-24:00`. The days are
/// those on which the range starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoursRange {
    days: [bool; 7],
    from: TimeOfDay,
    to: TimeOfDay,
}

impl HoursRange {
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.days[day_number(date.weekday())] {
            return None;
        }
        let last = match self.to > self.from {
            true => date,
            false => date.tomorrow().ok()?,
        };
        Some((self.from.on(date, zone)?, self.to.on(last, zone)?))
    }
}

/// Error for an invalid range of hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected hours like \"22:00-06:00\" or \"mon-fri 19:00-07:00\", found \"{0}\"")]
pub struct InvalidHoursRange(String);

impl FromStr for HoursRange {
    type Err = InvalidHoursRange;

    fn from_str(text: &str) -> Result<Self, InvalidHoursRange> {
        let error = || InvalidHoursRange(text.to_owned());
        let (days, hours) = match text.trim().rsplit_once(char::is_whitespace) {
            Some((named, hours)) => (days(named).ok_or_else(error)?, hours),
            None => ([true; 7], text.trim()),
        };
        let (from, to) = hours.split_once('-').ok_or_else(error)?;
        let parsed = from.parse().ok().zip(to.parse().ok());
        let (from, to): (TimeOfDay, TimeOfDay) = parsed.ok_or_else(error)?;
        if from == to || from.minutes == 24 * 60 {
            return Err(error());
        }
        Ok(Self { days, from, to })
    }
}

/// Parses days of the week: `mon-fri`, `sat,sun`, `fri-mon`.
fn days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day_named(first)?, day_named(last)?);
        for step in 0..=(last + 7 - first) % 7 {
            days[(first + step) % 7] = true;
        }
    }
    days.contains(&true).then_some(days)
}

fn day_named(name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    DAYS.iter().position(|day| *day == name)
}

fn day_number(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

/// Time window for submissions.
#[derive(Debug, Clone)]
pub struct SubmitWindow {
    /// Setting `schedule.active_hours`. If empty, every hour is active.
    pub hours: Vec<HoursRange>,
    /// Time after which the run submits nothing.
    pub until: Option<Timestamp>,
    /// Time zone of the active hours.
    pub zone: TimeZone,
}

/// State of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opening {
    /// Open.
    #[default]
    Now,
    /// Closed until this time.
    At(Timestamp),
    /// Closed for the rest of the run.
    Never,
}

/// For example `submissions resumed` or `nothing is submitted before 2026-11-21T22:00:00Z (active_hours)`.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("submissions resumed"),
            Self::At(time) => write!(f, "nothing is submitted before {time} (active_hours)"),
            Self::Never => f.write_str("the submission window has closed"),
        }
    }
}

impl SubmitWindow {
    /// Returns a window that is always open.
    #[must_use]
    pub const fn always() -> Self {
        Self {
            hours: Vec::new(),
            until: None,
            zone: TimeZone::UTC,
        }
    }

    /// Returns the state of the window at `now`.
    #[must_use]
    pub fn opening(&self, now: Timestamp) -> Opening {
        if self.until.is_some_and(|until| now >= until) {
            return Opening::Never;
        }
        match self.opens_at(now) {
            Some(time) if time <= now => Opening::Now,
            Some(time) if self.until.is_some_and(|until| time >= until) => Opening::Never,
            Some(time) => Opening::At(time),
            None => Opening::Never,
        }
    }

    /// Returns the time at which a window that is open at `now` closes, or `None` if it never closes.
    #[must_use]
    pub fn closes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.spans(now).filter(|&(from, _)| from <= now);
        let hours_end = open.map(|(_, to)| to).max();
        hours_end.into_iter().chain(self.until).min()
    }

    fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.hours.is_empty() {
            return Some(now);
        }
        self.spans(now).map(|(from, _)| from.max(now)).min()
    }

    /// Returns the spans that end after `now`. A range on a single day of the week recurs within eight days.
    fn spans(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = date_of(now, &self.zone);
        let spans = (-1..=8).flat_map(move |days| {
            let date = today.and_then(|today| today.checked_add(days.days()).ok());
            self.hours
                .iter()
                .filter_map(move |range| range.on(date?, &self.zone))
        });
        spans.filter(move |&(from, to)| from < to && now < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(hours: &[&str]) -> SubmitWindow {
        SubmitWindow {
            hours: hours.iter().map(|range| range.parse().unwrap()).collect(),
            until: None,
            zone: berlin(),
        }
    }

    /// Central European Time, defined by its rules and not by the time zone database of the machine.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn at(time: &str) -> Timestamp {
        let time: jiff::civil::DateTime = time.parse().unwrap();
        Timestamp::from_millis(berlin().to_timestamp(time).unwrap().as_millisecond())
    }

    fn utc(time: &str) -> Timestamp {
        let time: jiff::Timestamp = time.parse().unwrap();
        Timestamp::from_millis(time.as_millisecond())
    }

    #[test]
    fn without_ranges_every_hour_is_active() {
        assert_eq!(
            SubmitWindow::always().opening(at("2026-11-21T12:00")),
            Opening::Now
        );
    }

    #[test]
    fn a_range_may_cross_midnight() {
        let night = window(&["22:00-06:00"]);
        let evening = Opening::At(at("2026-11-21T22:00"));
        assert_eq!(night.opening(at("2026-11-21T21:59")), evening);
        assert_eq!(night.opening(at("2026-11-21T22:00")), Opening::Now);
        assert_eq!(night.opening(at("2026-11-22T05:59")), Opening::Now);
        assert_eq!(
            night.opening(at("2026-11-22T06:00")),
            Opening::At(at("2026-11-22T22:00"))
        );
    }

    #[test]
    fn days_are_those_on_which_a_range_starts() {
        // 2026-11-21 is a Saturday.
        let hours = window(&["mon-fri 22:00-06:00", "sun 10:00-24:00"]);
        assert_eq!(hours.opening(at("2026-11-21T05:00")), Opening::Now);
        assert_eq!(
            hours.opening(at("2026-11-21T06:00")),
            Opening::At(at("2026-11-22T10:00"))
        );
        assert_eq!(hours.opening(at("2026-11-22T23:59")), Opening::Now);
        assert_eq!(
            hours.opening(at("2026-11-23T00:00")),
            Opening::At(at("2026-11-23T22:00"))
        );
        let weekly = window(&["sat 03:00-04:00"]);
        assert_eq!(
            weekly.opening(at("2026-11-21T04:00")),
            Opening::At(at("2026-11-28T03:00"))
        );
    }

    #[test]
    fn a_start_in_the_skipped_hour_is_shifted() {
        // The hour from 02:00 to 03:00 does not exist on 2026-03-29.
        let early = window(&["02:30-04:00"]);
        assert_eq!(
            early.opening(utc("2026-03-29T00:00:00Z")),
            Opening::At(utc("2026-03-29T01:30:00Z"))
        );
        assert_eq!(early.opening(utc("2026-03-29T01:59:00Z")), Opening::Now);
        assert!(matches!(
            early.opening(utc("2026-03-29T02:00:00Z")),
            Opening::At(_)
        ));
    }

    #[test]
    fn a_night_with_a_repeated_hour_is_longer() {
        // The hour from 02:00 to 03:00 occurs twice on 2026-10-25.
        let night = window(&["22:00-06:00"]);
        assert_eq!(night.opening(utc("2026-10-24T20:00:00Z")), Opening::Now);
        assert_eq!(night.opening(utc("2026-10-25T04:59:00Z")), Opening::Now);
        assert_eq!(
            night.opening(utc("2026-10-25T05:00:00Z")),
            Opening::At(utc("2026-10-25T21:00:00Z"))
        );
    }

    #[test]
    fn the_end_of_the_run_closes_the_window() {
        let mut night = window(&["22:00-06:00"]);
        night.until = Some(at("2026-11-22T02:00"));
        assert_eq!(night.opening(at("2026-11-22T01:59")), Opening::Now);
        assert_eq!(night.opening(at("2026-11-22T02:00")), Opening::Never);
        night.until = Some(at("2026-11-21T20:00"));
        assert_eq!(night.opening(at("2026-11-21T19:00")), Opening::Never);
    }

    #[test]
    fn the_next_time_of_day_is_today_or_tomorrow() {
        let time: TimeOfDay = "06:00".parse().unwrap();
        let next = |now| time.next_after(at(now), &berlin());
        assert_eq!(next("2026-11-21T05:59"), Some(at("2026-11-21T06:00")));
        assert_eq!(next("2026-11-21T06:00"), Some(at("2026-11-22T06:00")));
    }

    #[test]
    fn invalid_times_and_ranges_are_rejected() {
        for text in [
            "", "6", "24:01", "12:60", "+6:00", "-1:00", "006:00", "6:0:0",
        ] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        for text in [
            "",
            "22:00",
            "22:00-22:00",
            "24:00-06:00",
            "mon",
            "xyz 22:00-06:00",
            "mon- 22:00-06:00",
            ", 22:00-06:00",
            "22:00-06:00-07:00",
        ] {
            assert!(text.parse::<HoursRange>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_window_is_closed_until_it_opens(
            minute in 0i64..60 * 24 * 800, from in 0i16..1440, length in 1i16..1440, first in 0usize..7, last in 0usize..7,
        ) {
            let to = (from + length) % 1440;
            let range = format!(
                "{}-{} {:02}:{:02}-{:02}:{:02}", DAYS[first], DAYS[last], from / 60, from % 60, to / 60, to % 60
            );
            let hours = window(&[&range]);
            let now = Timestamp::from_millis(at("2026-01-01T00:00").millis() + minute * 60_000);
            match hours.opening(now) {
                Opening::Now => {}
                Opening::At(time) => {
                    prop_assert!(time > now);
                    prop_assert_eq!(hours.opening(time), Opening::Now);
                    prop_assert_ne!(hours.opening(Timestamp::from_millis(time.millis() - 1)), Opening::Now);
                }
                // A range that lies within the skipped hour of a single day recurs a week later.
                Opening::Never => prop_assert!(false, "{range} never opens"),
            }
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,24}") {
            let _ = (text.parse::<HoursRange>(), text.parse::<TimeOfDay>());
        }
    }
}
