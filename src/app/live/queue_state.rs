//! State of the queue, from which a live snapshot is computed.

use crate::app::progress::Forecast;
use crate::domain::{Hold, JobState, Timestamp};
use crate::policy::hours::Opening;
use crate::store::sqlite::activity::Activity;
use crate::store::sqlite::overview::Overview;
use std::collections::BTreeMap;
use std::time::Duration;

/// State of the queue.
#[derive(Debug, Clone)]
pub struct QueueState {
    /// Time of the snapshot.
    pub now: Timestamp,
    /// Figures of the queue.
    pub overview: Overview,
    /// Holds in force.
    pub holds: Vec<Hold>,
    /// Whether the active hours allow submissions.
    pub opening: Opening,
    /// Current activity.
    pub activity: Activity,
    /// Period over which `activity` counts completed items.
    pub rate_window: Duration,
    /// Time left.
    pub forecast: Forecast,
    /// Whether the folder exists, for each configured source.
    pub sources: BTreeMap<String, bool>,
}

impl QueueState {
    /// Returns the state without any item.
    #[must_use]
    pub fn empty(now: Timestamp, rate_window: Duration) -> Self {
        Self {
            now,
            overview: Overview::default(),
            holds: Vec::new(),
            opening: Opening::Now,
            activity: Activity::default(),
            rate_window,
            forecast: Forecast::default(),
            sources: BTreeMap::new(),
        }
    }

    pub(super) fn count(&self, state: JobState) -> u64 {
        self.overview.counts.get(&state).copied().unwrap_or(0)
    }
}
