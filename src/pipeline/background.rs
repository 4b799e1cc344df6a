//! Background tasks, which outlast the stages: notifications, hooks and the search backlog. Their failures do not stop a run.

use crate::pipeline::run::Mode;
use crate::pipeline::search_backlog::{SearchBacklog, index_in_background};
use crate::pipeline::stages::hooks::{self, Hooks};
use crate::pipeline::stages::notify::{self, ClosingState, Notify};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// Background tasks of a run. Dropping this aborts them. Unfinished work stays in the database for the next start.
pub(super) struct BackgroundTasks {
    notify: Arc<Notify>,
    hooks: AbortOnDropHandle<()>,
    messages: AbortOnDropHandle<()>,
    _search: AbortOnDropHandle<()>,
}

impl BackgroundTasks {
    /// Spawns the tasks.
    pub(super) fn start(hooks: Hooks, notify: Notify, search: SearchBacklog, mode: Mode) -> Self {
        let notify = Arc::new(notify);
        let hooks = tokio::spawn(hooks::run_hooks(Arc::new(hooks)));
        let messages = tokio::spawn(notify::notify_all(notify.clone(), mode));
        let search = tokio::spawn(index_in_background(search));
        Self {
            notify,
            _search: AbortOnDropHandle::new(search),
            hooks: AbortOnDropHandle::new(hooks),
            messages: AbortOnDropHandle::new(messages),
        }
    }

    /// Waits for the tasks after the stages have ended. The remaining hooks run unless the user stopped the run, and
    /// the summary of the run is sent if there is a `closing` state. Both waits are bounded.
    pub(super) async fn finish(self, closing: Option<ClosingState>) {
        self.notify.journal.signals.stages_ended.cancel();
        let hooks = async {
            if let Err(error) = self.hooks.await {
                tracing::error!(error = %error, "the hook task ended unexpectedly");
            }
        };
        tokio::join!(hooks, notify::finish(&self.notify, self.messages, closing));
    }
}
