//! Forecast of the earliest time when all recordings are submitted, given the rate, the active hours and the budget.

use super::hours::{Opening, SubmitWindow};
use crate::domain::Timestamp;
use std::time::Duration;

/// Maximum number of opening and closing times examined. Enough for some decades of nights.
const MAX_STEPS: usize = 20_000;

/// Returns the earliest time of the last submission of `recordings`, or `None` if it is not foreseeable. The budget admits it
/// from `last_charge` on.
#[must_use]
pub fn submitted_by(
    recordings: u64,
    now: Timestamp,
    submits_per_minute: u32,
    window: &SubmitWindow,
    last_charge: Timestamp,
) -> Option<Timestamp> {
    let minutes = recordings as f64 / f64::from(submits_per_minute);
    let open_for = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
    let by_rate = after_open(now, open_for, window)?;
    let by_budget = after_open(last_charge, Duration::ZERO, window)?;
    Some(by_rate.max(by_budget))
}

/// Returns the time after which the window has been open for `open_for` in total since `now`.
pub(super) fn after_open(
    now: Timestamp,
    open_for: Duration,
    window: &SubmitWindow,
) -> Option<Timestamp> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        // 2026-11-01T00:00:00Z.
        Timestamp::from_millis(1_793_491_200_000 + minutes * MINUTE)
    }

    fn window(hours: &str) -> SubmitWindow {
        SubmitWindow {
            hours: vec![hours.parse().unwrap()],
            ..SubmitWindow::always()
        }
    }

    fn by_rate(recordings: u64, per_minute: u32, window: &SubmitWindow) -> Option<Timestamp> {
        submitted_by(recordings, at(0), per_minute, window, at(0))
    }

    #[test]
    fn only_the_rate_limits_an_open_day() {
        let by = |recordings| by_rate(recordings, 60, &SubmitWindow::always());
        assert_eq!(by(0), Some(at(0)));
        assert_eq!(by(600), Some(at(10)));
    }

    #[test]
    fn the_remainder_continues_in_the_next_night() {
        let by = |recordings| by_rate(recordings, 1, &window("22:00-23:00"));
        assert_eq!(by(30), Some(at(22 * 60 + 30)));
        assert_eq!(by(60), Some(at(23 * 60)));
        assert_eq!(by(90), Some(at((24 + 22) * 60 + 30)));
    }

    #[test]
    fn a_later_budget_delays_the_last_submission() {
        let tomorrow = at(24 * 60);
        let by = |window: &SubmitWindow| submitted_by(1, at(5), 60, window, tomorrow);
        assert_eq!(by(&SubmitWindow::always()), Some(tomorrow));
        assert_eq!(by(&window("22:00-23:00")), Some(at((24 + 22) * 60)));
        let until_midnight = SubmitWindow {
            until: Some(tomorrow),
            ..SubmitWindow::always()
        };
        assert_eq!(by(&until_midnight), None);
    }

    #[test]
    fn a_closed_window_has_no_forecast() {
        let over = SubmitWindow {
            until: Some(at(0)),
            ..SubmitWindow::always()
        };
        assert_eq!(submitted_by(1, at(1), 60, &over, at(1)), None);
    }
}
