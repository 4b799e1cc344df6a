//! Forecast of the earliest time when all recordings are submitted, given the rate, the active hours and the budget.

use super::budget::{Cap, Metric, Period, period_bounds};
use super::hours::{Opening, SubmitWindow};
use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Maximum number of opening and closing times examined. Enough for some decades of nights.
const MAX_STEPS: usize = 20_000;

/// Recordings that remain to be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Workload {
    /// Number of recordings.
    pub recordings: u64,
    /// Length of the audio, in seconds.
    pub audio_s: f64,
    /// Cost in the currency of the prices. `None` if a price is unknown.
    pub cost: Option<f64>,
}

/// Returns the earliest time of the last submission, or `None` if it is not foreseeable.
#[must_use]
pub fn submitted_by(
    load: &Workload,
    now: Timestamp,
    submits_per_minute: u32,
    window: &SubmitWindow,
    caps: &[Cap],
) -> Option<Timestamp> {
    let minutes = load.recordings as f64 / f64::from(submits_per_minute);
    let open_for = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
    let mut last = after_open(now, open_for, window)?;
    for cap in caps {
        let amount = match cap.measure {
            Metric::Audio => load.audio_s,
            Metric::Cost => load.cost.unwrap_or(0.0),
            Metric::Recordings => load.recordings as f64,
        };
        last = last.max(start_of_last_period(cap, amount, now, &window.zone)?);
    }
    Some(last)
}

/// Returns the time after which the window has been open for `open_for` in total since `now`.
fn after_open(now: Timestamp, open_for: Duration, window: &SubmitWindow) -> Option<Timestamp> {
    let (mut time, mut left) = (now, open_for);
    for _ in 0..MAX_STEPS {
        time = match window.opening(time) {
            Opening::Never => return None,
            Opening::At(opens) => opens,
            Opening::Now => {
                let closes = window.closes_at(time).unwrap_or(Timestamp::MAX);
                let open = closes.since(time);
                if left <= open {
                    return Some(time.after(left));
                }
                left -= open;
                closes
            }
        };
    }
    None
}

/// Returns the start of the period in which the last part of an amount fits, if each earlier period is used up.
fn start_of_last_period(
    cap: &Cap,
    amount: f64,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let mut periods = (amount / cap.limit).ceil() as usize;
    let mut start = now;
    if cap.period != Period::Run && periods > MAX_STEPS {
        return None;
    }
    while periods > 1 {
        (_, start) = period_bounds(cap.period, start, zone)?;
        periods -= 1;
    }
    Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        // 2026-11-01T00:00:00Z.
        Timestamp::from_millis(1_793_491_200_000 + minutes * MINUTE)
    }

    fn load(recordings: u64, hours: f64) -> Workload {
        Workload {
            recordings,
            audio_s: hours * 3600.0,
            cost: None,
        }
    }

    fn window(hours: &str) -> SubmitWindow {
        SubmitWindow {
            hours: vec![hours.parse().unwrap()],
            ..SubmitWindow::always()
        }
    }

    #[test]
    fn only_the_rate_limits_an_open_day() {
        let by = |recordings| {
            submitted_by(
                &load(recordings, 1.0),
                at(0),
                60,
                &SubmitWindow::always(),
                &[],
            )
        };
        assert_eq!(by(0), Some(at(0)));
        assert_eq!(by(600), Some(at(10)));
    }

    #[test]
    fn the_remainder_continues_in_the_next_night() {
        let by = |recordings| {
            submitted_by(
                &load(recordings, 1.0),
                at(0),
                1,
                &window("22:00-23:00"),
                &[],
            )
        };
        assert_eq!(by(30), Some(at(22 * 60 + 30)));
        assert_eq!(by(60), Some(at(23 * 60)));
        assert_eq!(by(90), Some(at((24 + 22) * 60 + 30)));
    }

    #[test]
    fn a_budget_spreads_submissions_over_days() {
        let cap = Cap {
            measure: Metric::Audio,
            period: Period::Day,
            limit: 3600.0,
        };
        let by = |hours| submitted_by(&load(1, hours), at(5), 60, &SubmitWindow::always(), &[cap]);
        assert_eq!(by(1.0), Some(at(5).after(Duration::from_secs(1))));
        assert_eq!(by(2.5), Some(at(2 * 24 * 60)));
    }

    #[test]
    fn a_closed_window_has_no_forecast() {
        let over = SubmitWindow {
            until: Some(at(0)),
            ..SubmitWindow::always()
        };
        assert_eq!(submitted_by(&load(1, 1.0), at(1), 60, &over, &[]), None);
    }
}
