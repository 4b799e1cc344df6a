//! Changes of the queue, which pages and programs are told.

use tokio::sync::watch;

/// Latest status of the queue as JSON, for those who wait for its changes.
#[derive(Debug)]
pub(super) struct Changes(watch::Sender<Option<String>>);

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

    /// Stores the status. Wakes those who wait if it differs from the latest one.
    pub(super) fn set(&self, status: String) {
        self.0.send_if_modified(|latest| {
            let is_new = latest.as_ref() != Some(&status);
            if is_new {
                *latest = Some(status);
            }
            is_new
        });
    }

    /// Returns a receiver of the latest status and of later ones.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<String>> {
        let mut receiver = self.0.subscribe();
        receiver.mark_changed();
        receiver
    }
}
