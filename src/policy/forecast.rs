//! Forecasts: the earliest time when all recordings are submitted, given the rate, the active hours and the budget, and the
//! time left of a run, given its progress.

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

/// Minimum period of a run from which its rate is known.
const MIN_PERIOD: Duration = Duration::from_secs(5);

/// Progress of a run in its last minutes, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Period in which submissions were counted: the last minutes, not before [`counted_after`].
    pub period: Duration,
    /// Number of submissions that the service accepted in the period.
    pub accepted: u64,
    /// Number of recordings that are still to be accepted.
    pub queued: u64,
    /// Number of recordings at the service.
    pub pending: u64,
    /// Time since the last acceptance, or the period.
    pub last_accepted: Duration,
    /// Time from a submission to its result, for a slow one. `None` without results.
    pub slow_result: Option<Duration>,
}

/// Times from a submission to its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultTimes {
    /// Median.
    pub usual: Duration,
    /// 85th percentile. The last result of a run comes about as long after the last submission. The later ones have less
    /// time, so it is not the slowest of all.
    pub slow: Duration,
}

impl ResultTimes {
    /// Returns the quantiles of the times. `None` without any.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        Some(Self {
            usual: *times.get(times.len() / 2)?,
            slow: *times.get(times.len() * 85 / 100)?,
        })
    }
}

/// Returns the time since the start of a run after which its submissions are counted.
///
/// The first ones may fill the service at once. Later ones wait until others have left it, so only they show the rate.
#[must_use]
pub fn counted_after(running: Duration, usual: Option<Duration>) -> Duration {
    usual
        .filter(|usual| running > *usual + MIN_PERIOD.max(*usual))
        .unwrap_or_default()
}

/// Returns the time until the last result of a run. `None` if no work is left or nothing is known yet.
///
/// Submissions, not results, give the rate: the first results come only after a while, and the last ones still come when
/// nothing is submitted any more.
#[must_use]
pub fn time_left(progress: &Progress) -> Option<Duration> {
    // Without a result, it takes at least as long as the run has waited for one.
    let slow_result = progress.slow_result.unwrap_or(progress.period);
    if progress.queued == 0 {
        let left = slow_result.saturating_sub(progress.last_accepted);
        return (progress.pending > 0).then_some(left);
    }
    let is_known = progress.period >= MIN_PERIOD && progress.accepted > 0;
    let each = || progress.queued as f64 / progress.accepted as f64;
    is_known.then(|| progress.period.mul_f64(each()) + slow_result)
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

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const RUNNING: Progress = Progress {
        period: Duration::from_secs(60),
        accepted: 30,
        queued: 270,
        pending: 20,
        last_accepted: Duration::from_secs(2),
        slow_result: Some(Duration::from_secs(40)),
    };

    #[test]
    fn the_time_left_is_that_of_submissions_and_the_last_result() {
        assert_eq!(time_left(&RUNNING), Some(seconds(540 + 40)));
        let without_results = Progress {
            slow_result: None,
            ..RUNNING
        };
        assert_eq!(time_left(&without_results), Some(seconds(540 + 60)));
    }

    #[test]
    fn the_last_results_come_when_slow_ones_do() {
        let all_sent = Progress {
            queued: 0,
            last_accepted: seconds(15),
            ..RUNNING
        };
        assert_eq!(time_left(&all_sent), Some(seconds(25)));
        let late = Progress {
            last_accepted: seconds(90),
            ..all_sent
        };
        assert_eq!(time_left(&late), Some(Duration::ZERO));
        let done = Progress {
            pending: 0,
            ..all_sent
        };
        assert_eq!(time_left(&done), None);
    }

    #[test]
    fn a_run_without_submissions_has_no_time_left() {
        let unknown = |progress| assert_eq!(time_left(&progress), None);
        unknown(Progress {
            accepted: 0,
            ..RUNNING
        });
        unknown(Progress {
            period: seconds(4),
            ..RUNNING
        });
    }

    #[test]
    fn the_first_submissions_do_not_count_for_long() {
        let after = |running, usual| counted_after(seconds(running), usual).as_secs();
        assert_eq!(after(100, None), 0);
        assert_eq!(after(100, Some(seconds(50))), 0);
        assert_eq!(after(101, Some(seconds(50))), 50);
        assert_eq!(after(8, Some(seconds(3))), 0);
        assert_eq!(after(9, Some(seconds(3))), 3);
    }

    #[test]
    fn result_times_are_quantiles() {
        assert_eq!(ResultTimes::of(vec![]), None);
        let times = ResultTimes::of((1..=100).rev().map(seconds).collect());
        let expected = ResultTimes {
            usual: seconds(51),
            slow: seconds(86),
        };
        assert_eq!(times, Some(expected));
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
