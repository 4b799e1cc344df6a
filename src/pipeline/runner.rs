//! One run, from the lock to the last commit.

use super::beside::{Beside, Tasks};
use super::clock::Clock;
use super::context::{Context, Tally};
use super::event::{Event, Observer};
use super::fresh::Fresh;
use super::gate::{Gate, State};
use super::lock::{Lock, LockError};
use super::tempo::Tempo;
use super::{account, daemon, lookup, poll, preflight, save, scan, submit, tell, watch};
use crate::api::{Client, ClientError, Pace, Settings};
use crate::config::Config;
use crate::domain::{Hold, HoldKind, Prices, RunId, Timestamp};
use crate::notify::Channels;
use crate::policy::admission::Limits;
use crate::policy::backoff::Backoff;
use crate::policy::budget::{Account, Cap};
use crate::policy::hours::{Opening, Window};
use crate::store::recovery::Recovered;
use crate::store::{Store, StoreError};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The service allows so many look-ups.
const LOGS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(180).expect("180 is not zero");
/// How long requests and hooks under way may go on after a stop.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long nothing could be written before `run --once` leaves the rest to the next start.
const UNWRITABLE_FOR: Duration = Duration::from_secs(30);

/// How often it is looked whether a run is over, besides when something ends.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One scan, then until nothing is left to do.
    Once,
    /// Until it is stopped.
    Daemon,
}

/// What a run is made of.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The key of the service.
    pub key: SecretString,
    /// How long it goes on.
    pub mode: Mode,
    /// Nothing is submitted from then on; the run ends when what is pending is collected.
    pub until: Option<Timestamp>,
    /// So many recordings are submitted at most.
    pub limit: Option<u64>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whoever shows it.
    pub observer: Arc<dyn Observer>,
    /// The ways people are told what it came to.
    pub channels: Channels,
    /// Ends it in good order.
    pub stop: CancellationToken,
}

/// What a run has brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// What it took up again.
    pub recovered: Recovered,
    /// Jobs done.
    pub done: u64,
    /// Jobs failed.
    pub failed: u64,
    /// Holds in force at its end.
    pub holds: Vec<Hold>,
    /// Jobs still queued, within reach.
    pub queued: bool,
    /// Whether the hours and the time of the run would have let them leave at its end.
    pub opening: Opening,
    /// Results are stored whose files could not be written.
    pub unwritten: bool,
    /// The service could not be reached for so long that the run ended.
    pub unreachable: bool,
}

/// Why there was no run, or why it broke off. Nothing that was recorded is lost.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state folder is another runner's, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The budget is in money, and a model has no price.
    #[error(
        "`{cap}` is to be kept, and there is no price for `{model}`; write it under [prices], or ask for it with `nightscribe prices --refresh`"
    )]
    Unpriced {
        /// The cap.
        cap: Cap,
        /// The model.
        model: String,
    },
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A stage ended by a defect.
    #[error("a stage of the run broke off")]
    Stage(#[source] tokio::task::JoinError),
}

/// Runs until nothing is left to do (once), or until it is stopped. A crash at any moment leaves a queue that the
/// next run takes up again.
///
/// # Errors
/// If the state folder is held by another runner, or the database fails for good.
pub async fn run(setup: Setup) -> Result<Summary, RunError> {
    let lock = Lock::take(&setup.config.state.dir)?;
    let store = Store::open(&setup.config.state.dir).await?;
    let client = Client::new(&Settings {
        base_url: setup.config.api.base_url.clone(),
        key: setup.key.clone(),
        flow: setup.config.api.flow,
    })?;
    let prices = account::prices(&setup.config, &store).await?;
    let account = account::opened(&setup, &store, &prices).await?;
    let began = setup.clock.now();
    let (run, recovered) = store.begin_run(std::process::id(), began).await?;
    let mode = setup.mode;
    let context = Arc::new(context(setup, store, client, run, began, account, prices));
    for source in &context.config.sources {
        let (name, request) = (&source.name, &source.request);
        let reconfigure = || context.store.reconfigure(name, request, context.now());
        context.patiently(reconfigure).await?;
    }
    context.notice(&Event::Started { recovered });
    context
        .patiently(|| watch::standing_holds(&context))
        .await?;
    tell::begin(&context).await?;
    let beside = Tasks::start(&context, mode);
    let unreachable = work(&context, mode).await?;
    let summary = summary(&context, recovered, unreachable).await?;
    beside.end(&context).await;
    for hold in &summary.holds {
        // What was to be kept in this run is over with it.
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

fn context(
    setup: Setup,
    store: Store,
    client: Client,
    run: RunId,
    began: Timestamp,
    account: Account,
    prices: Prices,
) -> Context {
    let config = setup.config;
    let limits = Limits {
        max_pending: config.limits.max_pending,
        polls_per_minute: config.limits.polls_per_minute.get(),
        retention: config.api.retention,
    };
    let backoff = Backoff {
        first: config.retry.backoff,
        most: config.retry.max_backoff,
    }
    .within(config.api.retention);
    let window = Window {
        hours: config.schedule.active_hours.clone(),
        until: setup.until,
        zone: setup.clock.zone(),
    };
    Context {
        gate: Gate::new(State::new(limits, backoff, window), setup.clock.clone()),
        account: Mutex::new(account),
        prices,
        submit_pace: Tempo::new(config.limits.submits_per_minute),
        poll_pace: Pace::per_minute(config.limits.polls_per_minute),
        log_pace: Pace::per_minute(LOGS_PER_MINUTE),
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
        looks: Semaphore::new(preflight::AT_ONCE),
        fresh: Fresh::default(),
        beside: Beside::new(setup.channels, setup.stop),
        config,
    }
}

/// Runs the stages to their end. Whether the run gave up on a service that cannot be reached.
async fn work(context: &Arc<Context>, mode: Mode) -> Result<bool, RunError> {
    let (accepted, to_poll) = mpsc::unbounded_channel();
    let (reload, reloads) = mpsc::channel(1);
    let mut stages = JoinSet::new();
    stages.spawn(poll::poll_all(context.clone(), to_poll, reloads));
    stages.spawn(lookup::look_up_all(context.clone(), accepted.clone()));
    stages.spawn(submit::submit_all(context.clone(), accepted));
    stages.spawn(watch::watch(context.clone(), reload));
    let saver = tokio::spawn(save::save_all(context.clone()));
    let supervised = supervise(context, mode, &mut stages).await;
    context.notice(&Event::Stopping);
    context.stop.cancel();
    let ended = drain(context, &mut stages).await;
    // The saver ends last, so that what the others received on their way out is written as well.
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
        Mode::Daemon => daemon::daemon(context, stages).await.map(|()| false),
        Mode::Once => once(context, stages).await,
    }
}

pub(super) type Stages = JoinSet<Result<(), StoreError>>;

/// Whether the time that was given to the run is over, and everything is collected.
pub(super) async fn time_is_over(context: &Context) -> Result<bool, StoreError> {
    Ok(context.gate.opening() == Opening::Never && is_over(context).await?)
}

async fn once(context: &Arc<Context>, stages: &mut Stages) -> Result<bool, RunError> {
    tokio::select! {
        scanned = scan::scan_all(context) => scanned?,
        Some(ended) = stages.join_next() => return broken(ended).map(|()| false),
    }
    let give_up_after = context.config.retry.max_backoff * context.config.retry.max_attempts;
    loop {
        if is_over(context).await? {
            return Ok(false);
        }
        if context.gate.failing_for() > give_up_after {
            return Ok(true);
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(false),
            Some(ended) = stages.join_next() => return broken(ended).map(|()| false),
            () = context.progress.notified() => {}
            // Holds and waits end without anybody saying so.
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Whether nothing is left that this run can do: what is queued waits for a person or for its hours, what is pending
/// cannot be asked for with this key, what is received cannot be written.
async fn is_over(context: &Context) -> Result<bool, StoreError> {
    // In this order: what is closed now lets nothing leave behind the next two questions.
    let (holds, opening) = (context.gate.holds(), context.gate.opening());
    // The database need not be asked after every recording.
    if context.gate.is_busy() {
        return Ok(false);
    }
    let left = context.store.left(&context.reach()).await?;
    let held = holds
        .iter()
        .any(|hold| !hold.kind.is_reckoned() && !is_probing(context, hold.kind));
    let spent = holds.iter().any(|hold| hold.kind == HoldKind::Budget);
    let deaf = holds.iter().any(|hold| hold.kind.is_probed())
        && context.tally.refused_polls.load(Ordering::Relaxed)
            >= context.gate.pending().max(1) as u64;
    let unwritable = context.tally.unwritable_for(context.now()) >= UNWRITABLE_FOR;
    // What is in doubt may be at the service, and is found while its hour lasts.
    let closed = (spent || opening != Opening::Now) && !left.in_doubt;
    Ok((!left.queued || held || closed)
        && !left.submitting
        && (!left.pending || deaf)
        && (!left.received || unwritable))
}

/// Whether a hold of the service's is still to be tried in this run: an earlier run left it.
fn is_probing(context: &Context, kind: HoldKind) -> bool {
    kind.is_probed() && !context.gate.was_refused()
}

/// What the end of a stage means for the run.
pub(super) fn broken(
    ended: Result<Result<(), StoreError>, tokio::task::JoinError>,
) -> Result<(), RunError> {
    ended.map_err(RunError::Stage)?.map_err(RunError::Store)
}

/// Lets what is under way end within bounds, then gives it up.
async fn drain(context: &Arc<Context>, stages: &mut Stages) -> Result<(), RunError> {
    let mut outcome = Ok(());
    let bound = tokio::time::sleep(STOP_WITHIN);
    tokio::pin!(bound);
    loop {
        tokio::select! {
            ended = stages.join_next() => match ended {
                Some(ended) => outcome = outcome.and(broken(ended)),
                None => return outcome,
            },
            () = &mut bound, if !context.abandon.is_cancelled() => context.abandon.cancel(),
        }
    }
}

async fn summary(
    context: &Context,
    recovered: Recovered,
    unreachable: bool,
) -> Result<Summary, StoreError> {
    let left = context.store.left(&context.reach()).await?;
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
