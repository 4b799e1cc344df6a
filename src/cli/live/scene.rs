//! What the live view shows, from the database.

use super::presence::Presence;
use crate::cli::exit::Report;
use crate::cli::session::Session;
use crate::domain::{Hold, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::activity::Activity;
use crate::store::report::Overview;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the rates are taken over, at most.
const LATELY: Duration = Duration::from_secs(600);
/// The same at the least: rates of the first moments would be guesses.
const AT_LEAST: Duration = Duration::from_secs(60);
/// Rows of a list that any terminal may show.
const ROWS: usize = 200;

/// The queue at a moment.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) overview: Overview,
    pub(super) holds: Vec<Hold>,
    /// Whether the hours let submissions leave.
    pub(super) opening: Opening,
    pub(super) activity: Activity,
    /// The time that `activity` counts what was completed over.
    pub(super) over: Duration,
    /// The sources of the configuration, each with whether its folder is there.
    pub(super) sources: BTreeMap<String, bool>,
}

impl Scene {
    pub(super) fn count(&self, state: JobState) -> u64 {
        self.overview.counts.get(&state).copied().unwrap_or(0)
    }

    /// Queued, being sent, or waiting at the service.
    pub(super) fn unfinished(&self) -> u64 {
        [JobState::Queued, JobState::Submitting, JobState::Pending]
            .into_iter()
            .map(|state| self.count(state))
            .sum()
    }

    /// At the present rate; `None` where there is none.
    pub(super) fn left(&self) -> Option<Duration> {
        let (unfinished, files) = (self.unfinished(), self.activity.files);
        (unfinished > 0 && files > 0).then(|| self.over.mul_f64(unfinished as f64 / files as f64))
    }
}

/// Looks at the queue again and again.
pub(super) struct Watcher<'a> {
    session: &'a Session,
    presence: Presence,
    store: Option<Store>,
}

impl<'a> Watcher<'a> {
    pub(super) const fn new(session: &'a Session, presence: Presence) -> Self {
        Self {
            session,
            presence,
            store: None,
        }
    }

    /// The queue now; an empty one as long as there is none.
    pub(super) async fn look(&mut self) -> Result<Scene, Report> {
        if self.store.is_none() {
            self.store = self.session.existing_store().await?;
        }
        let mut scene = Scene {
            now: self.session.now(),
            zone: TimeZone::system(),
            overview: Overview::default(),
            holds: Vec::new(),
            opening: self.session.window(None).opening(self.session.now()),
            activity: Activity::default(),
            over: LATELY,
            sources: self.presence.answers(),
        };
        let Some(store) = &self.store else {
            return Ok(scene);
        };
        scene.overview = store.overview(scene.now.before(LATELY)).await?;
        // A run whose process died never recorded its end.
        scene.overview.runner = scene
            .overview
            .runner
            .filter(|_| Lock::is_held(&self.session.config.state.dir));
        if let Some(runner) = scene.overview.runner {
            scene.over = scene.now.since(runner.since).clamp(AT_LEAST, LATELY);
        }
        let since = scene.now.before(scene.over);
        scene.holds = self.session.holds(store).await?;
        scene.activity = store.activity(scene.now, since, ROWS).await?;
        Ok(scene)
    }
}
