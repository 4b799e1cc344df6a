//! Time left of a run, forecast from its last submissions and from what is queued.
//!
//! Uploads and results take longer for longer recordings, by a power law that is fitted to the last ones. The queue is submitted
//! by the limits in this model. If the last submissions used no limit completely, something else slows the run down: the service
//! accepts fewer a minute, or everything takes longer by some ratio. The last result is expected at the median of its distribution.
//!
//! - `progress`: what was submitted, and what is left
//! - `speed`: usual times of uploads and results
//! - `schedule`: acceptances of the queue by the limits
//! - `utilization`: used share of the limits
//! - `last_result`: distribution of the time to the last result

mod last_result;
mod progress;
mod schedule;
mod speed;
mod utilization;

pub use progress::{InFlight, MAX_SUBMISSIONS, Progress, RecordingSize, Submission, SubmitLimits};

use super::forecast::after_open;
use super::hours::SubmitWindow;
use crate::domain::Timestamp;
use last_result::{Awaited, ResultTimes};
use schedule::acceptances;
use speed::Speed;
use std::time::Duration;
use utilization::{Slowdown, slowdown};

/// Forecast of the time left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft {
    /// Time until the last result of what is in flight.
    in_flight: Duration,
    /// Time until the last submission, and from there to the last result. `None` if nothing is queued.
    queued: Option<(Duration, Duration)>,
}

impl TimeLeft {
    /// Returns the time until the last result, if submissions stop outside of `window`. `None` if they cannot all be made.
    #[must_use]
    pub fn within(&self, now: Timestamp, window: &SubmitWindow) -> Option<Duration> {
        let queued = match self.queued {
            Some((submissions, result)) => {
                after_open(now, submissions, window)?.since(now) + result
            }
            None => Duration::ZERO,
        };
        Some(self.in_flight.max(queued))
    }
}

/// Returns the time left of the active run, or otherwise the time that a run would take. `None` without work or measured
/// submissions.
#[must_use]
pub fn time_left(progress: &Progress) -> Option<TimeLeft> {
    if progress.queued_total == 0 && progress.sending.is_empty() && progress.pending.is_empty() {
        return None;
    }
    let speed = Speed::of(progress)?;
    let times = ResultTimes::of(progress, &speed);
    let mut awaited = in_flight(progress, &speed);
    let in_flight_s = times.last_s(&awaited);
    let queued = match progress.queued_total {
        0 => None,
        _ => {
            let slowdown = match progress.running {
                Some(_) => slowdown(progress)?,
                None => Slowdown::Factor(1.0),
            };
            let accepted_s = acceptances(progress, &speed, slowdown);
            let listed = accepted_s.iter().zip(&progress.queued);
            awaited.extend(listed.map(|(accepted_s, size)| Awaited {
                accepted_s: *accepted_s,
                usual_s: speed.result_s(*size),
            }));
            let submitted_s = accepted_s.iter().copied().fold(0.0, f64::max);
            let result_s = times.last_s(&awaited) - submitted_s;
            // The rest of a long queue is as its beginning.
            let share = progress.queued_total as f64 / progress.queued.len().max(1) as f64;
            Some((seconds(submitted_s * share), seconds(result_s)))
        }
    };
    Some(TimeLeft {
        in_flight: seconds(in_flight_s),
        queued,
    })
}

/// Returns the results of what is being sent or transcribed.
fn in_flight(progress: &Progress, speed: &Speed) -> Vec<Awaited> {
    let pending = progress.pending.iter().map(|one| Awaited {
        accepted_s: -one.since.as_secs_f64(),
        usual_s: speed.result_s(one.size),
    });
    let sending = progress.sending.iter().map(|one| Awaited {
        accepted_s: (speed.upload_s(one.size) - one.since.as_secs_f64()).max(0.0),
        usual_s: speed.result_s(one.size),
    });
    pending.chain(sending).collect()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
