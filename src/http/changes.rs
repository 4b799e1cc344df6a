//! Changes of the queue, which pages and programs are told.

use crate::store::sqlite::tick::FileMark;
use tokio::sync::watch;

/// State of the queue at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueState {
    /// Its files, before the status was read. An item may fail again between two looks, which leaves the status as it was.
    pub(super) mark: Option<FileMark>,
    /// Its status as JSON.
    pub(super) status: String,
}

/// Latest state of the queue, for those who wait for its changes.
#[derive(Debug)]
pub(super) struct Changes(watch::Sender<Option<QueueState>>);

impl Default for Changes {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Changes {
    /// Whether somebody waits for changes.
    pub(super) fn has_receivers(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Stores the state. Wakes those who wait if it differs from the latest one.
    pub(super) fn set(&self, state: QueueState) {
        self.0.send_if_modified(|latest| {
            let is_new = latest.as_ref() != Some(&state);
            if is_new {
                *latest = Some(state);
            }
            is_new
        });
    }

    /// Returns a receiver of the latest state and of later ones.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<QueueState>> {
        let mut receiver = self.0.subscribe();
        receiver.mark_changed();
        receiver
    }
}
