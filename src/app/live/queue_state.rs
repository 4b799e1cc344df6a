//! State of the queue, from which a live snapshot is computed.

use super::wait_counts::wait_counts;
use super::{FailedItem, InFlightItem, LiveSnapshot, Throughput};
use crate::app::status::{Runner, time_left, unfinished};
use crate::domain::{Hold, JobState, Timestamp};
use crate::policy::hours::Opening;
use crate::store::sqlite::activity::Activity;
use crate::store::sqlite::items::Overview;
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
            sources: BTreeMap::new(),
        }
    }

    /// Computes the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> LiveSnapshot {
        let (overview, activity) = (&self.overview, &self.activity);
        let left = time_left(self.rate_window, unfinished(overview), activity.transcripts);
        LiveSnapshot {
            now: self.now,
            counts: overview.counts.clone(),
            runner: overview.active_run.map(Runner::from),
            holds: self.holds.clone(),
            next_expiry: overview.next_expiry,
            throughput: self.throughput(),
            left_s: left.map(|left| left.as_secs()),
            perhaps_paid: overview.perhaps_paid,
            waiting: wait_counts(self),
            sending: activity.sending.iter().map(InFlightItem::from).collect(),
            pending: activity.pending.iter().map(InFlightItem::from).collect(),
            failures: activity.failures.iter().map(FailedItem::from).collect(),
        }
    }

    fn throughput(&self) -> Option<Throughput> {
        let minutes = self.rate_window.as_secs_f64() / 60.0;
        let files = self.activity.transcripts;
        (files > 0).then(|| Throughput {
            audio_per_minute: self.activity.audio_s / 60.0 / minutes,
            files_per_hour: files as f64 / minutes * 60.0,
        })
    }

    pub(super) fn count(&self, state: JobState) -> u64 {
        self.overview.counts.get(&state).copied().unwrap_or(0)
    }
}
