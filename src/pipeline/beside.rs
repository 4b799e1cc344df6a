//! What goes on beside the stages and outlasts them: messages to people, and what is run for each transcript. Nothing
//! that goes wrong in it stops a run.

use super::context::{Context, STORE_RETRY};
use super::runner::Mode;
use super::{hook, tell};
use crate::domain::Timestamp;
use crate::notify::Channels;
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What the stages share with what goes on beside them.
pub struct Beside {
    /// The ways people are told.
    pub channels: Arc<Channels>,
    /// A person was told without the database, which happens once in a run.
    pub told_without_store: AtomicBool,
    /// Somebody wants the run to end.
    pub asked: CancellationToken,
    /// Nothing more will be done in this run.
    pub stages_over: CancellationToken,
    /// There may be something to run.
    pub to_hook: Notify,
    /// There may be something to deliver; once the stages are over, until when.
    pub news: watch::Sender<Option<Timestamp>>,
}

impl Beside {
    /// Nothing is under way yet, in a run that ends when it is `asked` to.
    #[must_use]
    pub fn new(channels: Channels, asked: CancellationToken) -> Self {
        Self {
            channels: Arc::new(channels),
            told_without_store: AtomicBool::new(false),
            asked,
            stages_over: CancellationToken::new(),
            to_hook: Notify::new(),
            news: watch::Sender::new(None),
        }
    }
}

/// The tasks of a run that are not its stages. They end when this is dropped; what they did not do waits for the next
/// start.
pub(super) struct Tasks {
    hooks: AbortOnDropHandle<()>,
    messages: AbortOnDropHandle<()>,
}

impl Tasks {
    /// Starts them.
    pub(super) fn start(context: &Arc<Context>, mode: Mode) -> Self {
        let hooks = tokio::spawn(hook::run_hooks(context.clone()));
        let messages = tokio::spawn(tell::tell_all(context.clone(), mode));
        Self {
            hooks: AbortOnDropHandle::new(hooks),
            messages: AbortOnDropHandle::new(messages),
        }
    }

    /// The stages are over: runs the hooks that are left, unless the run was asked to end, and tells what it came to,
    /// both within bounds.
    pub(super) async fn end(self, context: &Context) {
        context.beside.stages_over.cancel();
        let hooks = async {
            if let Err(error) = self.hooks.await {
                tracing::error!(error = %error, "running hooks broke off");
            }
        };
        tokio::join!(hooks, tell::end(context, self.messages));
    }
}

/// Makes a change as soon as the database can take it.
///
/// # Errors
/// If the database fails for good.
pub(super) async fn patiently<T, F>(mut change: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match change().await {
            Err(error) if error.is_passing() => tokio::time::sleep(STORE_RETRY).await,
            changed => return changed,
        }
    }
}
