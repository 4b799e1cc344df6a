//! Stop requests and wake-ups that the stages of a run share.

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Stop requests and wake-ups. A wake-up without a waiter is kept for the next wait.
#[derive(Debug, Default)]
pub struct Signals {
    /// Cancelled to stop starting new work.
    pub stop: CancellationToken,
    /// Cancelled when the user stops the run. It also cancels `stop`.
    pub stop_requested: CancellationToken,
    /// Cancelled when the stages have ended.
    pub stages_ended: CancellationToken,
    /// Cancelled to abandon work in flight. The next start takes it up again.
    pub abandon: CancellationToken,
    /// Notified when a job may be ready to submit.
    pub wake_submit: Notify,
    /// Notified when a result may be ready to save.
    pub wake_save: Notify,
    /// Notified when a submission may be uncertain.
    pub wake_recover: Notify,
    /// Notified when a hook may be ready to run.
    pub wake_hooks: Notify,
    /// Notified when work has finished and the run may be complete.
    pub progress: Notify,
}

impl Signals {
    /// Returns the signals of a run that the user stops by `stop_requested`.
    #[must_use]
    pub fn new(stop_requested: CancellationToken) -> Self {
        Self {
            stop: stop_requested.child_token(),
            stop_requested,
            ..Self::default()
        }
    }
}
