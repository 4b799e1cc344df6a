//! Background tasks, which outlast the stages: notifications and hooks. Their failures do not stop a run.

use crate::domain::Timestamp;
use crate::notify::Channels;
use crate::pipeline::context::{Context, STORE_RETRY};
use crate::pipeline::runner::Mode;
use crate::pipeline::stages::{hooks, notify};
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// State shared by the stages and the background tasks.
pub struct Background {
    /// Notification channels.
    pub channels: Arc<Channels>,
    /// Whether a notification was sent without the database. This happens once in a run.
    pub notified_without_store: AtomicBool,
    /// Cancelled when the user stops the run.
    pub stop_requested: CancellationToken,
    /// Cancelled when the stages have ended.
    pub stages_ended: CancellationToken,
    /// Wakes the hook task.
    pub wake_hooks: Notify,
    /// Wakes the delivery tasks. The value is the deadline for deliveries, set when the stages have ended.
    pub outbox_changed: watch::Sender<Option<Timestamp>>,
}

impl Background {
    /// Creates the state for a run that ends when `asked` is cancelled.
    #[must_use]
    pub fn new(channels: Channels, stop_requested: CancellationToken) -> Self {
        Self {
            channels: Arc::new(channels),
            notified_without_store: AtomicBool::new(false),
            stop_requested,
            stages_ended: CancellationToken::new(),
            wake_hooks: Notify::new(),
            outbox_changed: watch::Sender::new(None),
        }
    }
}

/// Background tasks of a run. Dropping this aborts them. Unfinished work stays in the database for the next start.
pub(super) struct BackgroundTasks {
    hooks: AbortOnDropHandle<()>,
    messages: AbortOnDropHandle<()>,
}

impl BackgroundTasks {
    /// Spawns the tasks.
    pub(super) fn start(context: &Arc<Context>, mode: Mode) -> Self {
        let hooks = tokio::spawn(hooks::run_hooks(context.clone()));
        let messages = tokio::spawn(notify::notify_all(context.clone(), mode));
        Self {
            hooks: AbortOnDropHandle::new(hooks),
            messages: AbortOnDropHandle::new(messages),
        }
    }

    /// Waits for the tasks after the stages have ended. The remaining hooks run unless the user stopped the run, and
    /// the summary of the run is sent. Both waits are bounded.
    pub(super) async fn finish(self, context: &Context) {
        context.beside.stages_ended.cancel();
        let hooks = async {
            if let Err(error) = self.hooks.await {
                tracing::error!(error = %error, "the hook task ended unexpectedly");
            }
        };
        tokio::join!(hooks, notify::finish(context, self.messages));
    }
}

/// Makes a change in the database. Retries every second while the error is transient.
///
/// # Errors
/// If the database fails permanently.
pub(super) async fn retry_transient<T, F>(mut change: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match change().await {
            Err(error) if error.is_transient() => tokio::time::sleep(STORE_RETRY).await,
            result => return result,
        }
    }
}
