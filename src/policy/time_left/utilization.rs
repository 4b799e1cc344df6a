//! Share of the limits that the last submissions used.
//!
//! One of the limits is used completely, unless something else slows a run down, such as a service that accepts fewer a minute.

use super::progress::{Progress, Submission};
use std::time::Duration;

/// Minimum period of a run from which its speed is known.
const MIN_PERIOD: Duration = Duration::from_secs(5);
/// Maximum period in which submissions are counted.
const MAX_PERIOD: Duration = Duration::from_secs(600);
/// Period of the limit of a service. Submissions may come in bursts that repeat after it, so whole periods are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Slowdown of submissions beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Slowdown {
    /// Everything takes this many times as long as by the limits.
    Factor(f64),
    /// The service accepts only this many in any minute.
    PerMinute(usize),
}

/// Returns the slowdown of the last submissions of a run. `None` if it is not known yet.
pub(super) fn slowdown(progress: &Progress) -> Option<Slowdown> {
    let period = whole_minutes(busy_period(progress)?);
    if period < MIN_PERIOD {
        return None;
    }
    let counted: Vec<_> = submissions_of(progress, period).collect();
    let uploads = progress
        .sending
        .iter()
        .map(|one| (one.since, Duration::ZERO));
    let uploads = uploads.chain(counted.iter().map(|one| (started(one), one.accepted)));
    let at_service = progress.submissions.iter().map(|one| {
        let left = one
            .result
            .map_or(Duration::ZERO, |result| one.accepted.saturating_sub(result));
        (one.accepted, left)
    });
    let limits = &progress.limits;
    let minutes = period.as_secs_f64() / 60.0;
    let by_rate = counted.len() as f64 / (f64::from(limits.per_minute) * minutes);
    let by_uploads = used(uploads, limits.uploads, period);
    let by_pending = used(at_service, limits.pending, period);
    let by_slots = by_uploads.max(by_pending);
    if by_rate >= by_slots && period >= MINUTE {
        return Some(Slowdown::PerMinute(per_minute(counted.len(), period)));
    }
    let utilization = by_rate.max(by_slots);
    (utilization > 0.0).then(|| Slowdown::Factor((1.0 / utilization).max(1.0)))
}

/// Returns the acceptances in a minute, at least 1. `period` is whole minutes.
fn per_minute(accepted: usize, period: Duration) -> usize {
    let minutes = usize::try_from(period.as_secs() / MINUTE.as_secs()).unwrap_or(usize::MAX);
    accepted.div_ceil(minutes.max(1)).max(1)
}

/// Returns the used share of slots in the last `period`. Each use has the times since its begin and its end.
fn used(uses: impl Iterator<Item = (Duration, Duration)>, slots: usize, period: Duration) -> f64 {
    let used: Duration = uses
        .map(|(begin, end)| begin.min(period).saturating_sub(end))
        .sum();
    used.as_secs_f64() / (slots as f64 * period.as_secs_f64())
}

fn submissions_of(progress: &Progress, period: Duration) -> impl Iterator<Item = &Submission> {
    let all = progress.submissions.iter();
    all.filter(move |one| one.accepted < period)
}

fn started(submission: &Submission) -> Duration {
    submission.accepted + submission.upload
}

/// Returns the time since the run began to submit without a break of a minute. A service accepts something in each minute, so
/// a longer break has another reason, such as an empty queue. `None` if nothing was submitted.
fn busy_period(progress: &Progress) -> Option<Duration> {
    let running = progress.running?;
    let mut begin = progress.sending.iter().map(|one| one.since).max();
    for one in submissions_of(progress, running) {
        match begin {
            Some(begin) if one.accepted > begin + MINUTE => break,
            _ => begin = begin.max(Some(started(one))),
        }
    }
    Some(begin?.min(running).min(MAX_PERIOD))
}

fn whole_minutes(period: Duration) -> Duration {
    match period.as_secs() / MINUTE.as_secs() {
        0 => period,
        minutes => Duration::from_secs(minutes * MINUTE.as_secs()),
    }
}
