//! Limits of a budget, and the periods for which they apply.

use crate::domain::Timestamp;
use crate::policy::day::{date_of, start_of_day};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use std::fmt;

/// Quantity limited by a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Audio, in seconds.
    Audio,
    /// Money, in the currency of the prices.
    Cost,
    /// Recordings.
    Recordings,
}

/// Period of a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// One run.
    Run,
    /// One day.
    Day,
    /// One month.
    Month,
}

/// Upper limit of a quantity in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cap {
    /// Limited quantity.
    pub metric: Metric,
    /// Period of the cap.
    pub period: Period,
    /// Maximum amount: seconds, money or recordings.
    pub limit: f64,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            Period::Run => "run",
            Period::Day => "day",
            Period::Month => "month",
        };
        match self.metric {
            Metric::Audio => {
                // Avoids digits that come from binary fractions.
                let hours = (self.limit / 3600.0 * 1e9).round() / 1e9;
                write!(f, "budget.hours_per_{period} = {hours}")
            }
            Metric::Cost => write!(f, "budget.cost_per_{period} = {}", self.limit),
            Metric::Recordings => write!(f, "--limit {}", self.limit),
        }
    }
}

/// Returns the start and the end of the day or month of `now`, in local time. Returns `None` for a run and beyond the
/// calendar.
#[must_use]
pub fn period_bounds(
    period: Period,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<(Timestamp, Timestamp)> {
    let today = date_of(now, zone)?;
    let (first, next) = match period {
        Period::Run => return None,
        Period::Day => (today, today.checked_add(1.day()).ok()?),
        Period::Month => {
            let first = today.first_of_month();
            (first, first.checked_add(1.month()).ok()?)
        }
    };
    Some((start_of_day(first, zone)?, start_of_day(next, zone)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_follow_local_time() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        // 2026-10-25 has 25 hours in Berlin and begins at 22:00 UTC of the day before.
        let noon = Timestamp::from_millis(
            "2026-10-25T11:00:00Z"
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_millisecond(),
        );
        let (from, to) = period_bounds(Period::Day, noon, &berlin).unwrap();
        assert_eq!(from.to_string(), "2026-10-24T22:00:00Z");
        assert_eq!(to.since(from).as_secs(), 25 * 3600);
        let (from, to) = period_bounds(Period::Month, noon, &berlin).unwrap();
        assert_eq!(
            (from.to_string().as_str(), to.to_string().as_str()),
            ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
        );
    }
}
