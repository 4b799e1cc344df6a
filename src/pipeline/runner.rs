//! One run, from the lock to the last commit.

use super::context::{Context, Tally};
use super::event::{Observer, RunEvent};
use super::lock::{Lock, LockError};
use crate::config::Config;
use crate::domain::{Hold, HoldKind, PriceTable, RunId, Timestamp};
use crate::notify::Channels;
use crate::pipeline::admission::{Admission, AdmissionState};
use crate::pipeline::background::{Background, BackgroundTasks};
use crate::pipeline::result_cache::ResultCache;
use crate::pipeline::stages::discover::daemon;
use crate::pipeline::stages::submit::preflight;
use crate::pipeline::stages::{discover, notify, poll, recover, save, submit};
use crate::pipeline::submit_rate::SubmitRate;
use crate::pipeline::{budget, monitor};
use crate::policy::admission::AdmissionLimits;
use crate::policy::backoff::Backoff;
use crate::policy::budget::{Budget, Cap};
use crate::policy::hours::{Opening, SubmitWindow};
use crate::provider::{Client, ClientError, ClientSettings};
use crate::runtime::clock::Clock;
use crate::runtime::rate_limiter::RateLimiter;
use crate::store::sqlite::recovery::Recovered;
use crate::store::{Store, StoreError};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Look-ups that the service allows per minute.
const LOGS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(180).expect("180 is not zero");
/// How long requests and hooks in flight may continue after a stop.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long writing may fail before `run --once` leaves the remaining results to the next start.
const GIVE_UP_WRITING_AFTER: Duration = Duration::from_secs(30);

/// How often a run checks whether it is finished, in addition to the checks after each completion.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Lifetime of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Scans once, and ends when nothing is left to do.
    Once,
    /// Runs until it is stopped.
    Daemon,
}

/// Settings and dependencies of a run.
pub struct Setup {
    /// Configuration.
    pub config: Config,
    /// API key of the service.
    pub key: SecretString,
    /// Lifetime of the run.
    pub mode: Mode,
    /// Time after which nothing is submitted. The run then ends when all pending generations are collected.
    pub until: Option<Timestamp>,
    /// Maximum number of recordings to submit.
    pub limit: Option<u64>,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Receiver of the run's events.
    pub observer: Arc<dyn Observer>,
    /// Notification channels.
    pub channels: Channels,
    /// Cancelled to stop the run gracefully.
    pub stop: CancellationToken,
}

/// Result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Work recovered from earlier runs.
    pub recovered: Recovered,
    /// Number of jobs done.
    pub done: u64,
    /// Number of jobs failed.
    pub failed: u64,
    /// Holds in force at the end of the run.
    pub holds: Vec<Hold>,
    /// Whether jobs are still queued in the sources within reach.
    pub queued: bool,
    /// Whether the active hours and the time limit allowed submissions at the end of the run.
    pub opening: Opening,
    /// Whether results are stored whose files could not be written.
    pub unwritten: bool,
    /// Whether the run ended because the service was unreachable for too long.
    pub unreachable: bool,
}

/// An error that prevented or ended a run. Recorded data is not lost.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state folder is locked by another process, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The budget caps money, and a model has no price.
    #[error(
        "cannot apply `{cap}`: there is no price for `{model}`; set it under [prices], or fetch it with `nightscribe prices --refresh`"
    )]
    Unpriced {
        /// The cap that needs a price.
        cap: Cap,
        /// The model without a price.
        model: String,
    },
    /// The HTTP client could not be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A stage panicked.
    #[error("a stage of the run panicked")]
    Stage(#[source] tokio::task::JoinError),
}

/// Runs until nothing is left to do ([`Mode::Once`]), or until it is stopped. After a crash at any point, the next run
/// continues from the queue.
///
/// # Errors
/// If the state folder cannot be locked, money is capped and a model has no price, the HTTP client cannot be created,
/// the database fails permanently, or a stage panics.
pub async fn run(setup: Setup) -> Result<Summary, RunError> {
    let lock = Lock::take(&setup.config.state.dir)?;
    let store = Store::open(&setup.config.state.dir).await?;
    let client = Client::new(&ClientSettings {
        base_url: setup.config.api.base_url.clone(),
        key: setup.key.clone(),
        flow: setup.config.api.flow,
    })?;
    let prices = budget::prices(&setup.config, &store).await?;
    let account = budget::open_budget(&setup, &store, &prices).await?;
    let began = setup.clock.now();
    let (run, recovered) = store.begin_run(std::process::id(), began).await?;
    let mode = setup.mode;
    let context = Arc::new(new_context(
        setup, store, client, run, began, account, prices,
    ));
    for source in &context.config.sources {
        let (name, request) = (&source.name, &source.request);
        let reconfigure = || context.store.reconfigure(name, request, context.now());
        context.patiently(reconfigure).await?;
    }
    context.notice(&RunEvent::Started { recovered });
    context
        .patiently(|| monitor::restore_holds(&context))
        .await?;
    notify::reopen_outbox(&context).await?;
    let beside = BackgroundTasks::start(&context, mode);
    let unreachable = run_stages(&context, mode).await?;
    let summary = summary(&context, recovered, unreachable).await?;
    beside.finish(&context).await;
    for hold in &summary.holds {
        // A cap on a single run ends with the run.
        if hold.kind == HoldKind::Budget && hold.ends.is_none() {
            context.store.release(hold.kind).await?;
        }
    }
    context.store.end_run(run, context.now()).await?;
    if let Some(context) = Arc::into_inner(context) {
        context.store.close().await;
    }
    drop(lock);
    Ok(summary)
}

fn new_context(
    setup: Setup,
    store: Store,
    client: Client,
    run: RunId,
    began: Timestamp,
    account: Budget,
    prices: PriceTable,
) -> Context {
    let config = setup.config;
    let limits = AdmissionLimits {
        max_pending: config.limits.max_pending,
        polls_per_minute: config.limits.polls_per_minute.get(),
        retention: config.api.retention,
    };
    let backoff = Backoff {
        initial: config.retry.backoff,
        max: config.retry.max_backoff,
    }
    .capped_by_retention(config.api.retention);
    let window = SubmitWindow {
        hours: config.schedule.active_hours.clone(),
        until: setup.until,
        zone: setup.clock.zone(),
    };
    Context {
        gate: Admission::new(
            AdmissionState::new(limits, backoff, window),
            setup.clock.clone(),
        ),
        account: Mutex::new(account),
        prices,
        submit_pace: SubmitRate::new(config.limits.submits_per_minute),
        poll_pace: RateLimiter::per_minute(config.limits.polls_per_minute),
        log_pace: RateLimiter::per_minute(LOGS_PER_MINUTE),
        store,
        client,
        clock: setup.clock,
        observer: setup.observer,
        run,
        began,
        reach: RwLock::default(),
        to_submit: Notify::new(),
        to_save: Notify::new(),
        to_look_up: Notify::new(),
        progress: Notify::new(),
        stop: setup.stop.child_token(),
        abandon: CancellationToken::new(),
        tally: Tally::default(),
        looks: Semaphore::new(preflight::MAX_CONCURRENT),
        fresh: ResultCache::default(),
        beside: Background::new(setup.channels, setup.stop),
        config,
    }
}

/// Runs the stages until all have ended. Returns whether the run gave up on an unreachable service.
async fn run_stages(context: &Arc<Context>, mode: Mode) -> Result<bool, RunError> {
    let (accepted, to_poll) = mpsc::unbounded_channel();
    let (reload, reloads) = mpsc::channel(1);
    let mut stages = JoinSet::new();
    stages.spawn(poll::poll_all(context.clone(), to_poll, reloads));
    stages.spawn(recover::recover_all(context.clone(), accepted.clone()));
    stages.spawn(submit::submit_all(context.clone(), accepted));
    stages.spawn(monitor::run_monitor(context.clone(), reload));
    let saver = tokio::spawn(save::save_all(context.clone()));
    let supervised = supervise(context, mode, &mut stages).await;
    context.notice(&RunEvent::Stopping);
    context.stop.cancel();
    let ended = drain(context, &mut stages).await;
    // The saver ends last, so that results received while the other stages drain are written, too.
    context.to_save.notify_one();
    saver.await.map_err(RunError::Stage)??;
    let unreachable = supervised?;
    ended?;
    Ok(unreachable)
}

async fn supervise(
    context: &Arc<Context>,
    mode: Mode,
    stages: &mut Stages,
) -> Result<bool, RunError> {
    match mode {
        Mode::Daemon => daemon::run_daemon(context, stages).await.map(|()| false),
        Mode::Once => run_once(context, stages).await,
    }
}

/// Tasks of the stages.
pub(super) type Stages = JoinSet<Result<(), StoreError>>;

/// Whether the time limit of the run has passed and nothing is left to collect.
pub(super) async fn is_finished_after_deadline(context: &Context) -> Result<bool, StoreError> {
    Ok(context.gate.opening() == Opening::Never && is_finished(context).await?)
}

async fn run_once(context: &Arc<Context>, stages: &mut Stages) -> Result<bool, RunError> {
    tokio::select! {
        scanned = discover::scan_all(context) => scanned?,
        Some(ended) = stages.join_next() => return stage_result(ended).map(|()| false),
    }
    let give_up_after = context.config.retry.max_backoff * context.config.retry.max_attempts;
    loop {
        if is_finished(context).await? {
            return Ok(false);
        }
        if context.gate.failing_for() > give_up_after {
            return Ok(true);
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(false),
            Some(ended) = stages.join_next() => return stage_result(ended).map(|()| false),
            () = context.progress.notified() => {}
            // The end of a hold or a back-off sends no signal.
            () = tokio::time::sleep(CHECK_EVERY) => {}
        }
    }
}

/// Whether this run can do nothing more.
///
/// Queued jobs do not count if they wait for a person or for the active hours. Pending ones do not count if the service
/// refuses to be polled with this key, nor do received ones if their files cannot be written.
async fn is_finished(context: &Context) -> Result<bool, StoreError> {
    // Read before the checks below: while the gate is closed, no job leaves the queue between them.
    let (holds, opening) = (context.gate.holds(), context.gate.opening());
    // Avoids a query after every recording.
    if context.gate.is_busy() {
        return Ok(false);
    }
    let left = context.store.remaining_work(&context.reach()).await?;
    let held = holds
        .iter()
        .any(|hold| !hold.kind.is_recomputed() && !is_probing(context, hold.kind));
    let over_budget = holds.iter().any(|hold| hold.kind == HoldKind::Budget);
    let polls_refused = holds.iter().any(|hold| hold.kind.is_probed())
        && context.tally.refused_polls.load(Ordering::Relaxed)
            >= context.gate.pending().max(1) as u64;
    let unwritable = context.tally.unwritable_for(context.now()) >= GIVE_UP_WRITING_AFTER;
    // The service may have accepted an uncertain submission, which is found only before it expires.
    let closed = (over_budget || opening != Opening::Now) && !left.uncertain;
    Ok((!left.queued || held || closed)
        && !left.submitting
        && (!left.pending || polls_refused)
        && (!left.received || unwritable))
}

/// Whether this run can still probe a hold of the service. It can until the service refuses the key or the account in
/// this run.
fn is_probing(context: &Context, kind: HoldKind) -> bool {
    kind.is_probed() && !context.gate.was_refused()
}

/// Converts the result of an ended stage to a result of the run.
pub(super) fn stage_result(
    ended: Result<Result<(), StoreError>, tokio::task::JoinError>,
) -> Result<(), RunError> {
    ended.map_err(RunError::Stage)?.map_err(RunError::Store)
}

/// Waits for the stages to end. After [`STOP_WITHIN`], aborts the requests in flight.
async fn drain(context: &Arc<Context>, stages: &mut Stages) -> Result<(), RunError> {
    let mut outcome = Ok(());
    let timeout = tokio::time::sleep(STOP_TIMEOUT);
    tokio::pin!(timeout);
    loop {
        tokio::select! {
            ended = stages.join_next() => match ended {
                Some(ended) => outcome = outcome.and(stage_result(ended)),
                None => return outcome,
            },
            () = &mut timeout, if !context.abandon.is_cancelled() => context.abandon.cancel(),
        }
    }
}

async fn summary(
    context: &Context,
    recovered: Recovered,
    unreachable: bool,
) -> Result<Summary, StoreError> {
    let left = context.store.remaining_work(&context.reach()).await?;
    Ok(Summary {
        recovered,
        done: context.tally.done.load(Ordering::Relaxed),
        failed: context.tally.failed.load(Ordering::Relaxed),
        holds: context.gate.holds(),
        queued: left.queued,
        opening: context.gate.opening(),
        unwritten: left.received,
        unreachable,
    })
}
