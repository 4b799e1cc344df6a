//! One run, from the lock to the last commit.

use super::beside::{Beside, Tasks};
use super::clock::{Clock, sleep_until};
use super::context::{Context, STORE_RETRY, Tally};
use super::event::{Event, Observer};
use super::gate::{Gate, State};
use super::lock::{Lock, LockError};
use super::tempo::Tempo;
use super::{lookup, poll, save, scan, submit, tell, watch};
use crate::api::{Client, ClientError, Pace, Settings};
use crate::config::Config;
use crate::domain::{Hold, HoldKind, RunId, Timestamp};
use crate::notify::Channels;
use crate::policy::admission::Limits;
use crate::policy::backoff::Backoff;
use crate::store::recovery::Recovered;
use crate::store::{Store, StoreError};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The service allows so many look-ups.
const LOGS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(180).expect("180 is not zero");
/// How long requests and hooks under way may go on after a stop.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long nothing could be written before `run --once` leaves the rest to the next start.
const UNWRITABLE_FOR: Duration = Duration::from_secs(30);

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
    let began = setup.clock.now();
    let (run, recovered) = store.begin_run(std::process::id(), began).await?;
    let mode = setup.mode;
    let context = Arc::new(context(setup, store, client, run, began));
    for source in &context.config.sources {
        context
            .store
            .reconfigure(&source.name, &source.request, context.now())
            .await?;
    }
    context.notice(&Event::Started { recovered });
    watch::standing_holds(&context).await?;
    tell::begin(&context).await?;
    let beside = Tasks::start(&context, mode);
    let unreachable = work(&context, mode).await?;
    let summary = summary(&context, recovered, unreachable).await?;
    beside.end(&context).await;
    context.store.end_run(run, context.now()).await?;
    if let Some(context) = Arc::into_inner(context) {
        context.store.close().await;
    }
    drop(lock);
    Ok(summary)
}

fn context(setup: Setup, store: Store, client: Client, run: RunId, began: Timestamp) -> Context {
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
    Context {
        gate: Gate::new(State::new(limits, backoff), setup.clock.clone()),
        submit_pace: Tempo::new(config.limits.submits_per_minute),
        poll_pace: Pace::per_minute(config.limits.polls_per_minute),
        log_pace: Pace::per_minute(LOGS_PER_MINUTE),
        store,
        client,
        clock: setup.clock,
        observer: setup.observer,
        run,
        reach: RwLock::default(),
        to_submit: Notify::new(),
        to_save: Notify::new(),
        to_look_up: Notify::new(),
        progress: Notify::new(),
        stop: setup.stop.child_token(),
        abandon: CancellationToken::new(),
        tally: Tally::default(),
        beside: Beside::new(setup.channels, began, setup.stop),
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
        Mode::Daemon => daemon(context, stages).await.map(|()| false),
        Mode::Once => once(context, stages).await,
    }
}

type Stages = JoinSet<Result<(), StoreError>>;

async fn daemon(context: &Arc<Context>, stages: &mut Stages) -> Result<(), RunError> {
    loop {
        let next = context.now().after(context.config.schedule.scan_every);
        tokio::select! {
            scanned = scan(context) => scanned?,
            Some(ended) = stages.join_next() => return broken(ended),
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            Some(ended) = stages.join_next() => return broken(ended),
            () = sleep_until(&*context.clock, next) => {}
        }
    }
}

/// Scans; again as long as the database cannot take what is found for a passing reason.
async fn scan(context: &Arc<Context>) -> Result<(), StoreError> {
    let mut troubled = false;
    loop {
        match scan::scan_all(context).await {
            Err(error) if error.is_passing() && !context.stop.is_cancelled() => {
                troubled = true;
                context.store_trouble(&error);
            }
            scanned => {
                if troubled {
                    context.release(HoldKind::Disk).await;
                }
                return scanned;
            }
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(STORE_RETRY) => {}
        }
    }
}

async fn once(context: &Arc<Context>, stages: &mut Stages) -> Result<bool, RunError> {
    tokio::select! {
        scanned = scan(context) => scanned?,
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
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Whether nothing is left that this run can do: what is queued waits for a person, what is pending cannot be asked
/// for with this key, what is received cannot be written.
async fn is_over(context: &Context) -> Result<bool, StoreError> {
    // The database need not be asked after every recording.
    if context.gate.is_busy() {
        return Ok(false);
    }
    let left = context.store.left(&context.reach()).await?;
    let holds = context.gate.holds();
    let held = holds
        .iter()
        .any(|hold| hold.kind != HoldKind::Disk && !is_probing(context, hold.kind));
    let deaf = holds.iter().any(|hold| hold.kind.is_probed())
        && context.tally.refused_polls.load(Ordering::Relaxed)
            >= context.gate.pending().max(1) as u64;
    let unwritable = context.tally.unwritable_for(context.now()) >= UNWRITABLE_FOR;
    Ok((!left.queued || held)
        && !left.submitting
        && (!left.pending || deaf)
        && (!left.received || unwritable))
}

/// Whether a hold of the service's is still to be tried in this run: an earlier run left it.
fn is_probing(context: &Context, kind: HoldKind) -> bool {
    kind.is_probed() && !context.gate.was_refused()
}

fn broken(ended: Result<Result<(), StoreError>, tokio::task::JoinError>) -> Result<(), RunError> {
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
        unwritten: left.received,
        unreachable,
    })
}
