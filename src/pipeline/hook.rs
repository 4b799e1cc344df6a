//! Transcript → program: what is run for each that became done, in their order and a few at once. How each ended is kept;
//! none is run again because it failed, and all that did not end are run at the next start.

use super::beside::patiently;
use super::context::Context;
use super::runner::STOP_WITHIN;
use crate::config::Hook;
use crate::domain::argument::{NoFile, Transcribed};
use crate::notify::program::{self, Call};
use crate::store::StoreError;
use crate::store::hooks::WaitingHook;
use crate::store::recordings::Location;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Runs hooks until the stages are over and none is left, or the run was asked to end: then no more are begun, and what
/// runs is let end within bounds.
pub(super) async fn run_hooks(context: Arc<Context>) {
    let Some(hook) = context.config.hooks.on_done.clone().map(Arc::new) else {
        return;
    };
    if let Err(error) = run_all(&context, &hook).await {
        tracing::error!(error = %error, "no hooks are run any more; they are run at the next start");
    }
}

async fn run_all(context: &Arc<Context>, hook: &Arc<Hook>) -> Result<(), StoreError> {
    let (most, beside) = (context.config.hooks.concurrency, &context.beside);
    let given_up = async {
        beside.asked.cancelled().await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::pin!(given_up);
    let mut running = JoinSet::new();
    let mut last = 0;
    loop {
        let asked = beside.asked.is_cancelled();
        let over = asked || beside.stages_over.is_cancelled();
        if !asked && running.len() < most {
            let free = most - running.len();
            for waiting in context.store.waiting_hooks(last, free).await? {
                last = waiting.id;
                running.spawn(run_one(context.clone(), hook.clone(), waiting));
            }
        }
        if over && running.is_empty() {
            return Ok(());
        }
        tokio::select! {
            Some(ended) = running.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(error = %error, "running a hook broke off");
                }
            }
            () = beside.to_hook.notified(), if running.len() < most => {}
            () = beside.stages_over.cancelled(), if !over => {}
            () = beside.asked.cancelled(), if !asked => {}
            () = &mut given_up => return Ok(()),
        }
    }
}

async fn run_one(context: Arc<Context>, hook: Arc<Hook>, waiting: WaitingHook) {
    let (id, job) = (waiting.id, waiting.job);
    let withheld = context.config.secret_variables();
    let (status, error) = match call(&hook, waiting, withheld) {
        Ok(call) => match program::run(&call, None, context.config.hooks.timeout).await {
            Ok(()) => (Some(0), None),
            Err(not_run) => (not_run.status, Some(not_run.reason)),
        },
        Err(no_file) => (None, Some(no_file.to_string())),
    };
    match &error {
        None => tracing::debug!(item = job.0, "its hook has ended"),
        Some(reason) => tracing::warn!(item = job.0, reason, "its hook failed"),
    }
    let ended = || {
        let store = &context.store;
        store.hook_ended(id, status, error.clone(), context.now())
    };
    if let Err(error) = patiently(ended).await {
        tracing::error!(item = job.0, error = %error, "the end of its hook could not be recorded");
    }
}

fn call(hook: &Hook, waiting: WaitingHook, withheld: Vec<String>) -> Result<Call, NoFile> {
    let transcribed = Transcribed {
        id: waiting.job.to_string(),
        source: waiting.source,
        recording: match waiting.location {
            Location::File(path) => path.into_os_string(),
            Location::Url(url) => url.into(),
        },
        outputs: waiting.outputs,
    };
    let arguments = hook.arguments.iter();
    Ok(Call {
        program: hook.path.clone(),
        arguments: arguments
            .map(|argument| argument.fill(&transcribed))
            .collect::<Result<_, _>>()?,
        withheld,
    })
}
