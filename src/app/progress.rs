//! Progress of the active run, from which the time left is forecast.

use super::error::AppError;
use crate::domain::{JobState, Timestamp};
use crate::policy::forecast::{Progress, ResultTimes, counted_after};
use crate::store::Store;
use crate::store::sqlite::overview::Overview;
use std::time::Duration;

/// Maximum period over which submissions are counted.
const MAX_PERIOD: Duration = Duration::from_secs(600);

/// Loads the progress of the active run. `None` if nothing runs or submissions are held. Recordings that wait for the budget are
/// not counted.
///
/// # Errors
/// If the database fails.
pub(super) async fn load_progress(
    store: &Store,
    overview: &Overview,
    is_held: bool,
    now: Timestamp,
) -> Result<Option<Progress>, AppError> {
    let Some(run) = overview.active_run.filter(|_| !is_held) else {
        return Ok(None);
    };
    let times = ResultTimes::of(store.result_times().await?);
    let running = now.since(run.since);
    let period = (running - counted_after(running, times.map(|times| times.usual))).min(MAX_PERIOD);
    let submissions = store.submissions(now.before(period)).await?;
    let count = |state| overview.counts.get(&state).copied().unwrap_or(0);
    let queued = count(JobState::Queued).saturating_sub(overview.over_budget);
    let last_accepted = submissions.last_accepted_at;
    Ok(Some(Progress {
        period,
        accepted: submissions.accepted,
        queued: queued + count(JobState::Submitting),
        pending: count(JobState::Pending),
        last_accepted: last_accepted.map_or(period, |time| now.since(time)),
        slow_result: times.map(|times| times.slow),
    }))
}
