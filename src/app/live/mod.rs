//! Live snapshot of the queue: what it waits for, what is in flight and what failed recently.
//!
//! A snapshot may be loaded every second. Each of its queries reads at most a few thousand rows.
//!
//! - [`queue_state`]: loaded state, from which the snapshot is computed
//! - `snapshot`: the snapshot itself
//! - [`wait_counts`]: reasons that queued items wait; [`wait_text`](mod@wait_text): their text
//! - `folder_status`: availability of the source folders

mod folder_status;
pub mod queue_state;
mod snapshot;
pub mod wait_counts;
pub mod wait_text;

use crate::app::error::AppError;
use crate::app::progress::forecast;
use crate::app::session::Session;
use crate::app::status::load_overview;
use crate::config::SourceConfig;
use crate::store::Store;
use folder_status::FolderStatus;
use queue_state::QueueState;
use std::time::Duration;

pub use snapshot::{FailedItem, InFlightItem, LiveSnapshot, Throughput};

/// Maximum period over which rates are measured.
const MAX_WINDOW: Duration = Duration::from_secs(600);
/// Minimum period over which rates are measured. A shorter one gives unreliable rates.
const MIN_WINDOW: Duration = Duration::from_secs(60);
/// Maximum number of rows loaded for each list.
const ROWS: usize = 200;

/// Loader of snapshots. Keeps the database open between them.
pub struct SnapshotLoader {
    folders: FolderStatus,
    store: Option<Store>,
}

impl SnapshotLoader {
    /// Starts the checks of the source folders, which run until the loader is dropped.
    #[must_use]
    pub fn start(sources: &[SourceConfig]) -> Self {
        Self {
            folders: FolderStatus::start(sources),
            store: None,
        }
    }

    /// Loads a snapshot. It is empty while no queue exists.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&mut self, session: &Session) -> Result<LiveSnapshot, AppError> {
        let is_open = |store: &Store| store.require_in_place().is_ok();
        if !self.store.as_ref().is_some_and(is_open) {
            self.store = session.existing_store().await?;
        }
        let now = session.now();
        let mut state = QueueState::empty(now, MAX_WINDOW);
        state.opening = session.window(None).opening(now);
        state.sources = self.folders.snapshot();
        if let Some(store) = &self.store {
            load_queue(session, store, &mut state).await?;
        }
        Ok(LiveSnapshot::new(&state))
    }
}

async fn load_queue(
    session: &Session,
    store: &Store,
    state: &mut QueueState,
) -> Result<(), AppError> {
    let now = state.now;
    state.overview = load_overview(session, store, now.before(MAX_WINDOW)).await?;
    if let Some(run) = state.overview.active_run {
        state.rate_window = now.since(run.since).clamp(MIN_WINDOW, MAX_WINDOW);
    }
    state.holds = session.holds(store).await?;
    let since = now.before(state.rate_window);
    state.activity = store.activity(now, since, ROWS).await?;
    let is_held = !state.holds.is_empty();
    state.forecast = forecast(session, store, &state.overview, is_held, now).await?;
    Ok(())
}
