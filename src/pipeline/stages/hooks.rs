//! Hooks: the user's program, run once for each finished transcript. Hooks start in the order in which their jobs
//! finished, and a few run at the same time.
//!
//! The exit status of each hook is recorded. A hook that failed is not retried. One that did not end is run again at
//! the next start.

use crate::config::{Config, HookConfig};
use crate::domain::hook_argument::{HookContext, MissingFile};
use crate::pipeline::journal::{Journal, retry_transient};
use crate::pipeline::run::STOP_TIMEOUT;
use crate::runtime::subprocess;
use crate::runtime::subprocess::Invocation;
use crate::store::StoreError;
use crate::store::sqlite::hooks::WaitingHook;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The hook task and what it shares with the stages.
pub(crate) struct Hooks {
    pub(crate) config: Arc<Config>,
    pub(crate) journal: Arc<Journal>,
}

/// Runs hooks until the stages have ended and none is left. After the user stops the run, no new hooks are started, and
/// the running ones have [`STOP_TIMEOUT`] to end.
pub(crate) async fn run_hooks(stage: Arc<Hooks>) {
    let Some(hook) = stage.config.hooks.on_done.clone().map(Arc::new) else {
        return;
    };
    if let Err(error) = run_all(&stage, &hook).await {
        tracing::error!(error = %error, "hooks stopped on a database error; they resume at the next start");
    }
}

async fn run_all(stage: &Arc<Hooks>, hook: &Arc<HookConfig>) -> Result<(), StoreError> {
    let (concurrency, signals) = (stage.config.hooks.concurrency, &stage.journal.signals);
    let timed_out = async {
        signals.stop_requested.cancelled().await;
        tokio::time::sleep(STOP_TIMEOUT).await;
    };
    tokio::pin!(timed_out);
    let mut running = JoinSet::new();
    let mut last = 0;
    loop {
        let stopping = signals.stop_requested.is_cancelled();
        let ending = stopping || signals.stages_ended.is_cancelled();
        if !stopping && running.len() < concurrency {
            let free = concurrency - running.len();
            for waiting in stage.journal.store.waiting_hooks(last, free).await? {
                last = waiting.id;
                running.spawn(run_one(stage.clone(), hook.clone(), waiting));
            }
        }
        if ending && running.is_empty() {
            return Ok(());
        }
        tokio::select! {
            Some(ended) = running.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(error = %error, "a hook task ended unexpectedly");
                }
            }
            () = signals.wake_hooks.notified(), if running.len() < concurrency => {}
            () = signals.stages_ended.cancelled(), if !ending => {}
            () = signals.stop_requested.cancelled(), if !stopping => {}
            () = &mut timed_out => return Ok(()),
        }
    }
}

async fn run_one(stage: Arc<Hooks>, hook: Arc<HookConfig>, waiting: WaitingHook) {
    let (id, job) = (waiting.id, waiting.job);
    let withheld = stage.config.secret_variables();
    let (status, error) = match call(&hook, waiting, withheld) {
        Ok(call) => match subprocess::run(&call, None, stage.config.hooks.timeout).await {
            Ok(()) => (Some(0), None),
            Err(not_run) => (not_run.status, Some(not_run.reason)),
        },
        Err(no_file) => (None, Some(no_file.to_string())),
    };
    match &error {
        None => tracing::debug!(item = job.0, "hook finished"),
        Some(reason) => tracing::warn!(item = job.0, reason, "hook failed"),
    }
    let ended = || {
        let store = &stage.journal.store;
        store.finish_hook(id, status, error.clone(), stage.journal.now())
    };
    if let Err(error) = retry_transient(ended, |_| true).await {
        tracing::error!(item = job.0, error = %error, "failed to record the result of the hook");
    }
}

fn call(
    hook: &HookConfig,
    waiting: WaitingHook,
    withheld: Vec<String>,
) -> Result<Invocation, MissingFile> {
    let transcribed = HookContext {
        id: waiting.job.to_string(),
        source: waiting.source,
        recording: waiting.location.into_argument(),
        outputs: waiting.outputs,
    };
    let arguments = hook.arguments.iter();
    Ok(Invocation {
        program: hook.path.clone(),
        arguments: arguments
            .map(|argument| argument.fill(&transcribed))
            .collect::<Result<_, _>>()?,
        withheld,
    })
}
