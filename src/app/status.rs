//! Status of the queue: counts, holds, the runner and the time left.

use super::error::AppError;
use super::progress::{Forecast, forecast};
use super::session::Session;
use crate::domain::readable_path::readable_path;
use crate::domain::{Hold, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::sqlite::overview::{ActiveRun, Overview};
use crate::store::sqlite::tick::FileMark;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Period over which the completion rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(3600);

/// Status of the queue. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Status {
    /// Configuration file.
    pub config: String,
    /// File of the queue.
    pub queue: String,
    /// Whether the queue exists. The first scan or run creates it.
    pub has_queue: bool,
    /// Number of items by the name of their state, with an entry for every state.
    pub counts: BTreeMap<&'static str, u64>,
    /// Holds in force.
    pub holds: Vec<Hold>,
    /// Time at which the active hours begin. `None` during the active hours.
    pub opens_at: Option<Timestamp>,
    /// Earliest expiry of a pending item.
    pub next_expiry: Option<Timestamp>,
    /// Earliest due time of a queued item.
    pub next_due: Option<Timestamp>,
    /// Active runner.
    pub runner: Option<Runner>,
    /// Number of items completed in the last hour.
    pub rate_per_hour: u64,
    /// Estimated seconds until the last result. `None` if nothing runs, submissions are held, or no work is left.
    pub left_s: Option<u64>,
    /// Estimated seconds that a run would take from now on, or from `opens_at` on. `None` while one is active, while
    /// submissions are held, without work, and before the first run.
    pub when_run_s: Option<u64>,
    /// Number of submissions that may have been billed without yielding a transcript.
    pub perhaps_paid: u64,
    /// Number of queued items that wait for the budget.
    pub over_budget: u64,
    /// Number of items that are outside the limits of their source, as in `counts`. They are queued again when the limits
    /// include them.
    pub excluded: u64,
}

/// Active runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Runner {
    /// Process ID.
    pub pid: u32,
    /// Start time.
    pub since: Timestamp,
}

impl From<ActiveRun> for Runner {
    fn from(run: ActiveRun) -> Self {
        Self {
            pid: run.pid,
            since: run.since,
        }
    }
}

impl Status {
    /// Returns the number of items in a state.
    #[must_use]
    pub fn count(&self, state: JobState) -> u64 {
        self.counts.get(state.as_str()).copied().unwrap_or(0)
    }
}

/// Loads the status. All counts are zero while no queue exists.
///
/// # Errors
/// If the database fails.
pub async fn status(session: &Session) -> Result<Status, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(status_of(session, None, Vec::new(), Forecast::default()));
    };
    let overview = load_overview(session, &store, session.now().before(RATE_WINDOW)).await?;
    let holds = session.holds(&store).await?;
    let (now, is_held) = (session.now(), !holds.is_empty());
    let forecast = forecast(session, &store, &overview, is_held, now).await?;
    store.close().await;
    Ok(status_of(session, Some(overview), holds, forecast))
}

/// Returns the mark of the files of the queue, which each commit changes. `None` while no queue exists.
///
/// # Errors
/// If the database cannot be opened.
pub async fn queue_mark(session: &Session) -> Result<Option<FileMark>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let mark = store.file_mark();
    store.close().await;
    Ok(Some(mark))
}

/// Loads the figures of the queue. Only a runner that holds the lock counts as active: a killed runner never recorded
/// its end.
pub(super) async fn load_overview(
    session: &Session,
    store: &Store,
    done_since: Timestamp,
) -> Result<Overview, AppError> {
    let mut overview = store.overview(done_since).await?;
    let state_dir = &session.config.state.dir;
    overview.active_run = overview.active_run.filter(|_| Lock::is_held(state_dir));
    Ok(overview)
}

/// Makes the status of these figures. `overview` is `None` while no queue exists.
fn status_of(
    session: &Session,
    overview: Option<Overview>,
    holds: Vec<Hold>,
    forecast: Forecast,
) -> Status {
    let has_queue = overview.is_some();
    let overview = overview.unwrap_or_default();
    let opening = session.window(None).opening(session.now());
    let count = |state: JobState| overview.counts.get(&state).copied().unwrap_or(0);
    let file = session.config.file.as_deref();
    Status {
        config: file.map(readable_path).unwrap_or_default(),
        queue: readable_path(&session.database()),
        has_queue,
        counts: JobState::ALL
            .into_iter()
            .map(|state| (state.as_str(), count(state)))
            .collect(),
        holds,
        opens_at: opens_at(opening),
        next_expiry: overview.next_expiry,
        next_due: overview.next_due,
        runner: overview.active_run.map(Runner::from),
        rate_per_hour: overview.done_since,
        left_s: forecast.left.map(|left| left.as_secs()),
        when_run_s: forecast.when_run.map(|left| left.as_secs()),
        perhaps_paid: overview.perhaps_paid,
        over_budget: overview.over_budget,
        excluded: count(JobState::Excluded),
    }
}

/// Returns the time at which a closed window opens, if it does.
pub(super) fn opens_at(opening: Opening) -> Option<Timestamp> {
    match opening {
        Opening::At(time) => Some(time),
        Opening::Now | Opening::Never => None,
    }
}
