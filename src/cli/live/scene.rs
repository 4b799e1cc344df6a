//! Snapshot of the queue for the live view, loaded from the database.

use super::presence::FolderStatus;
use crate::app::session::Session;
use crate::cli::exit::CommandError;
use crate::domain::{Hold, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::sqlite::activity::Activity;
use crate::store::sqlite::items::Overview;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// Maximum period over which rates are measured.
const MAX_WINDOW: Duration = Duration::from_secs(600);
/// Minimum period over which rates are measured. A shorter one gives unreliable rates.
const MIN_WINDOW: Duration = Duration::from_secs(60);
/// Maximum number of rows loaded for each list.
const ROWS: usize = 200;

/// Snapshot of the queue.
#[derive(Debug, Clone)]
pub(super) struct QueueSnapshot {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) overview: Overview,
    pub(super) holds: Vec<Hold>,
    /// Whether the active hours allow submissions.
    pub(super) opening: Opening,
    pub(super) activity: Activity,
    /// Period over which `activity` counts completed items.
    pub(super) rate_window: Duration,
    /// Whether the folder exists, for each configured source.
    pub(super) sources: BTreeMap<String, bool>,
}

impl QueueSnapshot {
    pub(super) fn count(&self, state: JobState) -> u64 {
        self.overview.counts.get(&state).copied().unwrap_or(0)
    }

    /// Counts queued, submitting and pending items.
    pub(super) fn unfinished(&self) -> u64 {
        [JobState::Queued, JobState::Submitting, JobState::Pending]
            .into_iter()
            .map(|state| self.count(state))
            .sum()
    }

    /// Estimates the time left at the current rate. `None` if the rate is zero or no work is left.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let (unfinished, files) = (self.unfinished(), self.activity.transcripts);
        (unfinished > 0 && files > 0)
            .then(|| self.rate_window.mul_f64(unfinished as f64 / files as f64))
    }
}

/// Source of the snapshots. Keeps the database open between them.
pub(super) struct SnapshotLoader<'a> {
    session: &'a Session,
    presence: FolderStatus,
    store: Option<Store>,
}

impl<'a> SnapshotLoader<'a> {
    pub(super) const fn new(session: &'a Session, presence: FolderStatus) -> Self {
        Self {
            session,
            presence,
            store: None,
        }
    }

    /// Loads a snapshot. It is empty while no queue exists.
    pub(super) async fn load(&mut self) -> Result<QueueSnapshot, CommandError> {
        if self.store.is_none() {
            self.store = self.session.existing_store().await?;
        }
        let mut scene = QueueSnapshot {
            now: self.session.now(),
            zone: TimeZone::system(),
            overview: Overview::default(),
            holds: Vec::new(),
            opening: self.session.window(None).opening(self.session.now()),
            activity: Activity::default(),
            rate_window: MAX_WINDOW,
            sources: self.presence.snapshot(),
        };
        let Some(store) = &self.store else {
            return Ok(scene);
        };
        scene.overview = store.overview(scene.now.before(MAX_WINDOW)).await?;
        // A killed runner never recorded its end, so its record remains.
        scene.overview.active_run = scene
            .overview
            .active_run
            .filter(|_| Lock::is_held(&self.session.config.state.dir));
        if let Some(runner) = scene.overview.active_run {
            scene.rate_window = scene.now.since(runner.since).clamp(MIN_WINDOW, MAX_WINDOW);
        }
        let since = scene.now.before(scene.rate_window);
        scene.holds = self.session.holds(store).await?;
        scene.activity = store.activity(scene.now, since, ROWS).await?;
        Ok(scene)
    }
}
