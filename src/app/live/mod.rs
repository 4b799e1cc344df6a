//! Live snapshot of the queue: what it waits for, what is in flight and what failed recently.
//!
//! A snapshot may be loaded every second. Each of its queries reads at most a few thousand rows.
//!
//! - [`queue_state`]: loaded state, from which the snapshot is computed
//! - [`wait_counts`]: reasons that queued items wait
//! - `folder_status`: availability of the source folders

mod folder_status;
pub mod queue_state;
pub mod wait_counts;

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::app::status::{Runner, load_overview};
use crate::domain::{Failure, Hold, JobId, JobState, Timestamp};
use crate::store::Store;
use crate::store::sqlite::activity::{InFlightRecording, RecentFailure};
use folder_status::FolderStatus;
use queue_state::QueueState;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use wait_counts::WaitCount;

/// Maximum period over which rates are measured.
const MAX_WINDOW: Duration = Duration::from_secs(600);
/// Minimum period over which rates are measured. A shorter one gives unreliable rates.
const MIN_WINDOW: Duration = Duration::from_secs(60);
/// Maximum number of rows loaded for each list.
const ROWS: usize = 200;

/// Snapshot of the queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Estimated seconds left at that throughput. `None` if the throughput is zero or no work is left.
    pub left_s: Option<u64>,
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
    /// Returns the number of items in a state.
    #[must_use]
    pub fn count(&self, state: JobState) -> u64 {
        self.counts.get(&state).copied().unwrap_or(0)
    }
}

/// Throughput of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// Minutes of audio transcribed per minute.
    pub audio_per_minute: f64,
    /// Number of files transcribed per hour.
    pub files_per_hour: f64,
}

/// Item in flight.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// Loader of snapshots. Keeps the database open between them.
pub struct SnapshotLoader<'a> {
    session: &'a Session,
    folders: FolderStatus,
    store: Option<Store>,
}

impl<'a> SnapshotLoader<'a> {
    /// Starts the checks of the source folders, which run until the process exits.
    #[must_use]
    pub fn start(session: &'a Session) -> Self {
        Self {
            session,
            folders: FolderStatus::start(&session.config.sources),
            store: None,
        }
    }

    /// Loads a snapshot. It is empty while no queue exists.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&mut self) -> Result<LiveSnapshot, AppError> {
        if self.store.is_none() {
            self.store = self.session.existing_store().await?;
        }
        let now = self.session.now();
        let mut state = QueueState::empty(now, MAX_WINDOW);
        state.opening = self.session.window(None).opening(now);
        state.sources = self.folders.snapshot();
        if let Some(store) = &self.store {
            self.load_queue(store, &mut state).await?;
        }
        Ok(state.snapshot())
    }

    async fn load_queue(&self, store: &Store, state: &mut QueueState) -> Result<(), AppError> {
        let now = state.now;
        state.overview = load_overview(self.session, store, now.before(MAX_WINDOW)).await?;
        if let Some(run) = state.overview.active_run {
            state.rate_window = now.since(run.since).clamp(MIN_WINDOW, MAX_WINDOW);
        }
        state.holds = self.session.holds(store).await?;
        let since = now.before(state.rate_window);
        state.activity = store.activity(now, since, ROWS).await?;
        Ok(())
    }
}
