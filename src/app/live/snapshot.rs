//! Live snapshot, computed from the state of the queue.

use super::queue_state::QueueState;
use super::wait_counts::{WaitCount, wait_counts};
use crate::app::status::{Runner, opens_at};
use crate::domain::{Failure, Hold, JobId, JobState, Timestamp};
use crate::store::sqlite::activity::{InFlightRecording, RecentFailure};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Snapshot of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSnapshot {
    /// Time of the snapshot.
    pub now: Timestamp,
    /// Number of items by state.
    pub counts: BTreeMap<JobState, u64>,
    /// Active runner.
    pub runner: Option<Runner>,
    /// Holds in force.
    pub holds: Vec<Hold>,
    /// Earliest expiry of a pending item.
    pub next_expiry: Option<Timestamp>,
    /// Recent throughput. `None` if no item was completed recently.
    pub throughput: Option<Throughput>,
    /// Estimated seconds until the last result. `None` if nothing runs, submissions are held, or no work is left.
    pub left_s: Option<u64>,
    /// Estimated seconds that a run would take from now on, or from `opens_at` on. `None` while one is active, while
    /// submissions are held, without work, and before the first run.
    pub when_run_s: Option<u64>,
    /// Time at which the active hours begin. `None` during the active hours.
    pub opens_at: Option<Timestamp>,
    /// Number of submissions that may have been billed without yielding a transcript.
    pub perhaps_paid: u64,
    /// Reasons that queued items wait.
    pub waiting: Vec<WaitCount>,
    /// Items being sent, at most some hundreds.
    pub sending: Vec<InFlightItem>,
    /// Items pending at the service, nearest expiry first, at most some hundreds.
    pub pending: Vec<InFlightItem>,
    /// Latest failures, newest first, at most some hundreds.
    pub failures: Vec<FailedItem>,
}

impl LiveSnapshot {
    /// Computes the snapshot of a state.
    #[must_use]
    pub fn new(queue: &QueueState) -> Self {
        let (overview, activity) = (&queue.overview, &queue.activity);
        Self {
            now: queue.now,
            counts: overview.counts.clone(),
            runner: overview.active_run.map(Runner::from),
            holds: queue.holds.clone(),
            next_expiry: overview.next_expiry,
            throughput: Throughput::new(queue),
            left_s: queue.forecast.left.map(|left| left.as_secs()),
            when_run_s: queue.forecast.when_run.map(|left| left.as_secs()),
            opens_at: opens_at(queue.opening),
            perhaps_paid: overview.perhaps_paid,
            waiting: wait_counts(queue),
            sending: activity.sending.iter().map(InFlightItem::from).collect(),
            pending: activity.pending.iter().map(InFlightItem::from).collect(),
            failures: activity.failures.iter().map(FailedItem::from).collect(),
        }
    }

    /// Returns the number of items in a state.
    #[must_use]
    pub fn count(&self, state: JobState) -> u64 {
        self.counts.get(&state).copied().unwrap_or(0)
    }
}

/// Throughput of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throughput {
    /// Minutes of audio transcribed per minute.
    pub audio_per_minute: f64,
    /// Number of files transcribed per hour.
    pub files_per_hour: f64,
}

impl Throughput {
    fn new(queue: &QueueState) -> Option<Self> {
        let minutes = queue.rate_window.as_secs_f64() / 60.0;
        let files = queue.activity.transcripts;
        (files > 0).then(|| Self {
            audio_per_minute: queue.activity.audio_s / 60.0 / minutes,
            files_per_hour: files as f64 / minutes * 60.0,
        })
    }
}

/// Item in flight.
#[derive(Debug, Clone, PartialEq)]
pub struct InFlightItem {
    /// ID of the job.
    pub item: JobId,
    /// Path relative to the source.
    pub relative: PathBuf,
    /// Size in bytes. 0 for a URL.
    pub size_bytes: u64,
    /// Duration in seconds, if known.
    pub duration_s: Option<f64>,
    /// Start of sending, or time of the acceptance.
    pub since: Timestamp,
    /// Expiry at the service. `None` while being sent.
    pub expires_at: Option<Timestamp>,
}

impl From<&InFlightRecording> for InFlightItem {
    fn from(one: &InFlightRecording) -> Self {
        Self {
            item: one.job,
            relative: one.relative.clone(),
            size_bytes: one.size_bytes,
            duration_s: one.duration_s,
            since: one.since,
            expires_at: one.expires_at,
        }
    }
}

/// Failed item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedItem {
    /// ID of the job.
    pub item: JobId,
    /// Path relative to the source.
    pub relative: PathBuf,
    /// Cause.
    pub failure: Failure,
    /// Time of the failure.
    pub at: Timestamp,
}

impl From<&RecentFailure> for FailedItem {
    fn from(one: &RecentFailure) -> Self {
        Self {
            item: one.job,
            relative: one.relative.clone(),
            failure: one.failure.clone(),
            at: one.at,
        }
    }
}
