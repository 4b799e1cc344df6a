//! One run, from the lock to the last commit.

use super::admission::{Admission, AdmissionState};
use super::ages::Ages;
use super::archive::Archive;
use super::archive::importer::Importer;
use super::background::BackgroundTasks;
use super::budget::{self, Spend};
use super::event::RunEvent;
use super::excluded::requeue_included;
use super::finish::Finish;
use super::journal::Journal;
use super::lane::Lane;
use super::lengths::Lengths;
use super::lock::Lock;
use super::messages::Messages;
use super::monitor::{self, Monitor};
use super::reach::Reach;
use super::result_cache::ResultCache;
use super::run::{Mode, RunError, STOP_TIMEOUT, Setup, Stages, Summary, stage_result};
use super::search_backlog::SearchBacklog;
use super::signals::Signals;
use super::sound_copies::{SoundCopies, remove_leftovers};
use super::source_holds::SourceHolds;
use super::stages::compare::{self, Compare, Comparer};
use super::stages::discover::guard::Guard;
use super::stages::discover::{self, Discover, ReportedProblems, daemon};
use super::stages::hooks::Hooks;
use super::stages::notify::{self, ClosingState, Notify};
use super::stages::poll::{self, Poll};
use super::stages::recover::{self, Recover};
use super::stages::save::rule_book::RuleBook;
use super::stages::save::{self, Save};
use super::stages::submit::{self, Submit};
use super::submit_rate::SubmitRate;
use super::tally::Tally;
use super::withdrawn_models::WithdrawnModels;
use super::write_failures::WriteFailures;
use crate::config::{Config, key_reader};
use crate::disk::identity::PlacedFile;
use crate::domain::{HoldKind, Problem, Request};
use crate::policy::admission::AdmissionLimits;
use crate::policy::backoff::Backoff;
use crate::policy::hours::SubmitWindow;
use crate::policy::outcome::Rules;
use crate::policy::polling::PollPolicy;
use crate::provider::{Client, ClientSettings};
use crate::runtime::host::host_name;
use crate::runtime::rate_limiter::RateLimiter;
use crate::store::sqlite::recovery::Recovered;
use crate::store::{Store, StoreError};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Look-ups that the service allows per minute.
const LOGS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(180).expect("180 is not zero");
/// How often a run checks whether it is finished, in addition to the checks after each completion.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long a start searches the database for damage. It covers some hundred thousand recordings.
const INTEGRITY_LIMIT: Duration = Duration::from_secs(1);
/// How long that search may delay the start. It goes on during the run, and nothing is submitted before it ends.
const INTEGRITY_DELAY: Duration = Duration::from_millis(50);

/// Runs until nothing is left to do ([`Mode::Once`], [`Mode::Queued`]), or until it is stopped. After a crash at any point, the next run
/// continues from the queue.
///
/// # Errors
/// If the state folder cannot be locked or is replaced during the run, money is capped and a model has no price, the HTTP client cannot be created,
/// the database is damaged or fails permanently, or a stage panics.
pub async fn run(setup: Setup) -> Result<Summary, RunError> {
    let lock = Lock::take(&setup.config.state.dir)?;
    run_locked(setup, &lock).await
}

/// Runs like [`run`] in a state folder that the caller has locked.
///
/// # Errors
/// As [`run`], except that the folder is already locked.
pub async fn run_locked(setup: Setup, lock: &Lock) -> Result<Summary, RunError> {
    let store = Store::open(&setup.config.state.dir).await?;
    remove_leftovers(&setup.config.state.dir);
    let integrity = check_integrity(store.clone()).await?;
    let (mode, reload) = (setup.mode, setup.reload.requested.clone());
    let (run, recovered) = Run::new(setup, store).await?;
    let journal = run.journal.clone();
    let reconfigure = || journal.store.reconfigure(run.requests(), journal.now());
    journal.retrying(reconfigure).await?;
    journal.emit(&RunEvent::Started { recovered });
    journal
        .retrying(|| monitor::restore_holds(&journal))
        .await?;
    journal.retrying(|| run.restore_source_holds()).await?;
    let notify = run.notify();
    notify::reopen_outbox(&notify).await?;
    let search = SearchBacklog::new(journal.store.clone(), &run.config.sources);
    let background = BackgroundTasks::start(run.hooks(), notify, search, mode);
    let unreachable = run.stages(mode, &reload, lock.file(), integrity).await?;
    let summary = run.summary(recovered, unreachable).await?;
    // The run goes on after a reload, so it has no summary yet.
    let closing = (!reload.is_cancelled()).then(|| ClosingState {
        problems: summary.problems.clone(),
        awaited: summary.awaited,
    });
    background.finish(closing).await;
    for hold in &summary.holds {
        // A cap on a single run ends with the run.
        if hold.kind == HoldKind::Budget && hold.ends.is_none() {
            journal.store.release(hold.kind).await?;
        }
    }
    let id = journal.messages.run;
    journal.store.end_run(id, journal.now()).await?;
    drop(run);
    if let Some(journal) = Arc::into_inner(journal) {
        journal.store.close().await;
    }
    Ok(summary)
}

/// A search for damage that goes on.
type IntegrityCheck = JoinHandle<Result<bool, StoreError>>;

/// Searches the database for damage. Returns the search if it takes longer than [`INTEGRITY_DELAY`].
///
/// # Errors
/// If the database is damaged or cannot be read.
async fn check_integrity(store: Store) -> Result<Option<IntegrityCheck>, RunError> {
    let check = async move { store.check_integrity(INTEGRITY_LIMIT).await };
    let mut check = tokio::spawn(check);
    match tokio::time::timeout(INTEGRITY_DELAY, &mut check).await {
        Ok(ended) => {
            ended.map_err(RunError::Stage)??;
            Ok(None)
        }
        Err(_goes_on) => Ok(Some(check)),
    }
}

/// Submits recordings once the search for damage has ended. Polls do not wait for it.
///
/// # Errors
/// If the database is damaged or fails permanently.
async fn submit_after(check: Option<IntegrityCheck>, submit: Submit) -> Result<(), StoreError> {
    if let Some(check) = check {
        // An error would mean that it has panicked. The next start searches again.
        if let Ok(checked) = check.await {
            checked?;
        }
    }
    submit::submit_all(submit).await
}

/// The parts of one run. Each stage gets those that it needs.
struct Run {
    config: Arc<Config>,
    journal: Arc<Journal>,
    lane: Arc<Lane>,
    reach: Arc<Reach>,
    importer: Arc<Importer>,
    source_holds: Arc<SourceHolds>,
    results: Arc<ResultCache>,
    write_failures: Arc<WriteFailures>,
    ages: Arc<Ages>,
    tally: Arc<Tally>,
}

impl Run {
    async fn new(setup: Setup, store: Store) -> Result<(Self, Recovered), RunError> {
        let client = Client::new(&ClientSettings {
            base_url: setup.config.api.base_url.clone(),
            key: setup.key.clone(),
            flow: setup.config.api.flow,
        })?;
        let client = match key_reader(&setup.config.api.key) {
            Some(reader) => client.with_key_reader(reader),
            None => client,
        };
        let archive = Arc::new(
            Archive::load(setup.config.output.clone(), &setup.config.state, &store).await?,
        );
        let prices = budget::prices(&setup.config, &store).await?;
        let budget = budget::open_budget(&setup, &store, &prices).await?;
        let began = setup.clock.now();
        let (id, recovered) = store.begin_run(std::process::id(), began).await?;
        requeue_included(&setup.config, &store, began).await?;
        let open = match budget.is_capped() {
            true => store.open_submissions().await?,
            false => Vec::new(),
        };
        let spend = Spend::new(budget, prices, open);
        let admission = Arc::new(admission(&setup));
        // Until the pending generations are loaded.
        let pending = usize::try_from(recovered.pending).unwrap_or(usize::MAX);
        admission.update_pending(pending, None);
        let tally = Arc::new(Tally::default());
        let messages = Messages {
            channels: Arc::new(setup.channels),
            run: id,
            host: host_name(),
            began,
            clock: setup.clock.clone(),
            tally: tally.clone(),
            sent_without_store: AtomicBool::new(false),
            outbox_changed: watch::Sender::new(None),
        };
        let journal = Journal {
            store,
            clock: setup.clock,
            signals: Arc::new(Signals::new(setup.stop)),
            admission: admission.clone(),
            observers: vec![tally.clone(), setup.observer],
            messages: Arc::new(messages),
        };
        let limits = &setup.config.limits;
        let lane = Lane {
            client,
            admission,
            submit_rate: SubmitRate::new(limits.submits_per_minute),
            poll_limiter: RateLimiter::per_minute(limits.polls_per_minute),
            log_limiter: RateLimiter::per_minute(LOGS_PER_MINUTE),
            spend,
            rules: rules(&setup.config),
            withdrawn: WithdrawnModels::default(),
            refused_polls: AtomicU64::new(0),
            losses: Mutex::default(),
        };
        let journal = Arc::new(journal);
        let output = setup.config.output.clone();
        let reach = Reach::new(&setup.config, setup.only.clone());
        let importer = Importer::new(archive, journal.clone(), output);
        let run = Self {
            config: Arc::new(setup.config),
            journal,
            lane: Arc::new(lane),
            reach: Arc::new(reach),
            importer: Arc::new(importer),
            source_holds: Arc::default(),
            results: Arc::default(),
            write_failures: Arc::default(),
            ages: Arc::default(),
            tally,
        };
        Ok((run, recovered))
    }

    /// Returns the model and options of each source.
    fn requests(&self) -> Vec<(String, Request)> {
        let sources = self.config.sources.iter();
        sources
            .map(|source| (source.name.clone(), source.request.clone()))
            .collect()
    }

    /// Reports the holds of sources left by an earlier run. Releases those of sources that are no longer configured.
    async fn restore_source_holds(&self) -> Result<(), StoreError> {
        let store = &self.journal.store;
        for source in store
            .source_holds()
            .await?
            .into_iter()
            .filter_map(|hold| hold.source)
        {
            if self.config.source(&source).is_none() {
                store.release_source(&source).await?;
            }
        }
        self.source_holds.refresh(&self.journal).await
    }

    /// Runs the stages until all have ended. Returns whether the run gave up on an unreachable service.
    async fn stages(
        &self,
        mode: Mode,
        reload: &CancellationToken,
        lock_file: &PlacedFile,
        integrity: Option<IntegrityCheck>,
    ) -> Result<bool, RunError> {
        let (accepted, to_poll) = mpsc::unbounded_channel();
        let (sources, to_compare) = mpsc::unbounded_channel();
        let comparer = Comparer::new(sources, self.reach.clone());
        let (reload_jobs, reloads) = mpsc::channel(1);
        let monitor = Monitor::new(
            self.journal.now(),
            lock_file.clone(),
            self.importer.clone(),
            self.source_holds.clone(),
            // Other runs end when the service is unreachable for so long.
            (mode == Mode::Daemon).then(|| self.give_up_after()),
            reload_jobs,
        );
        let mut stages = JoinSet::new();
        stages.spawn(compare::compare_all(self.compare(), to_compare));
        stages.spawn(poll::poll_all(self.poll(), to_poll, reloads));
        stages.spawn(recover::recover_all(self.recover(accepted.clone())));
        let submit = self.submit(accepted, comparer.clone());
        stages.spawn(submit_after(integrity, submit));
        stages.spawn(monitor::run_monitor(self.journal.clone(), monitor));
        let saver = tokio::spawn(save::save_all(self.save()));
        let supervised = self.supervise(mode, comparer, &mut stages).await;
        let signals = &self.journal.signals;
        self.journal.emit(match reload.is_cancelled() {
            true => &RunEvent::Reloading,
            false => &RunEvent::Stopping,
        });
        signals.stop.cancel();
        let ended = drain(signals, &mut stages).await;
        if let Some(count) = self.importer.archive().imports_to_report(true) {
            self.journal.emit(&RunEvent::Imported { count });
        }
        // The saver ends last, so that results received while the other stages drain are written, too.
        signals.wake_save.notify_one();
        saver.await.map_err(RunError::Stage)??;
        let unreachable = supervised?;
        ended?;
        Ok(unreachable)
    }

    async fn supervise(
        &self,
        mode: Mode,
        comparer: Comparer,
        stages: &mut Stages,
    ) -> Result<bool, RunError> {
        let (discover, finish) = (self.discover(comparer), self.finish());
        match mode {
            Mode::Daemon => daemon::run_daemon(&discover, &finish, stages)
                .await
                .map(|()| false),
            Mode::Once => {
                tokio::select! {
                    scanned = discover::scan_all(&discover) => scanned?,
                    Some(ended) = stages.join_next() => return stage_result(ended).map(|()| false),
                }
                self.run_to_the_end(&finish, stages).await
            }
            Mode::Queued => {
                for source in &self.config.sources {
                    let is_there = source.path.is_dir();
                    self.reach.set(&source.name, is_there);
                }
                self.journal.signals.wake_submit.notify_one();
                self.run_to_the_end(&finish, stages).await
            }
        }
    }

    /// Waits until nothing is left to do, or the run is stopped. Returns whether it gave up on an unreachable service.
    async fn run_to_the_end(&self, finish: &Finish, stages: &mut Stages) -> Result<bool, RunError> {
        let signals = &self.journal.signals;
        loop {
            if finish.is_finished().await? {
                return Ok(false);
            }
            if self.lane.admission.failing_for() > self.give_up_after()
                && !finish.awaits_paid_results().await?
            {
                return Ok(true);
            }
            tokio::select! {
                () = signals.stop.cancelled() => return Ok(false),
                Some(ended) = stages.join_next() => return stage_result(ended).map(|()| false),
                () = signals.progress.notified() => {}
                // The end of a hold or a back-off sends no signal.
                () = tokio::time::sleep(CHECK_EVERY) => {}
            }
        }
    }

    async fn summary(
        &self,
        recovered: Recovered,
        unreachable: bool,
    ) -> Result<Summary, StoreError> {
        let reach = self.reach.sources();
        let left = self.journal.store.remaining_work(&reach, &[]).await?;
        Ok(Summary {
            recovered,
            done: self.tally.done(),
            failed: self.tally.failed(),
            warned: self.tally.warned(),
            excluded: self.tally.excluded(),
            over_budget: self.journal.store.over_budget().await?,
            holds: [self.lane.admission.holds(), self.source_holds.holds()].concat(),
            queued: left.queued,
            problems: self.problems(left.received, unreachable),
            awaited: self.journal.store.awaited_results().await?,
            spent: self.lane.spend.in_run(),
            opening: self.lane.admission.opening(),
        })
    }

    /// Returns the problems at the end of the run.
    fn problems(&self, unwritten: bool, unreachable: bool) -> Vec<Problem> {
        let mut problems = self.tally.source_problems();
        if unreachable {
            problems.push(self.tally.unreachable());
        }
        let models = self.finish().given_up_models().into_iter();
        problems.extend(models.map(|model| Problem::ModelFailing { model }));
        if unwritten {
            problems.push(Problem::Unwritten);
        }
        problems
    }

    fn discover(&self, comparer: Comparer) -> Discover {
        Discover {
            config: self.config.clone(),
            journal: self.journal.clone(),
            reach: self.reach.clone(),
            reported: ReportedProblems::default(),
            guard: Guard {
                reach: self.reach.clone(),
                importer: self.importer.clone(),
                source_holds: self.source_holds.clone(),
                comparer,
                queued_changes: OnceCell::new(),
            },
        }
    }

    fn compare(&self) -> Compare {
        Compare {
            journal: self.journal.clone(),
            reach: self.reach.clone(),
            importer: self.importer.clone(),
            source_holds: self.source_holds.clone(),
            hash_slots: compare::slots(),
        }
    }

    fn submit(&self, poller: poll::Poller, comparer: Comparer) -> Submit {
        Submit {
            config: self.config.clone(),
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            reach: self.reach.clone(),
            importer: self.importer.clone(),
            comparer,
            results: self.results.clone(),
            poller,
            ages: self.ages.clone(),
            preflight_slots: submit::preflight::slots(),
            lengths: Lengths::new(&self.config),
            sound_copies: SoundCopies::new(&self.config),
        }
    }

    fn poll(&self) -> Poll {
        Poll {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            results: self.results.clone(),
        }
    }

    fn recover(&self, poller: poll::Poller) -> Recover {
        Recover {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            poller,
            ages: self.ages.clone(),
            failures: 0,
            has_log: false,
        }
    }

    fn save(&self) -> Save {
        Save {
            journal: self.journal.clone(),
            output: self.config.output.clone(),
            has_hook: self.config.hooks.on_done.is_some(),
            rules: Arc::new(RuleBook::new(&self.config.sources)),
            results: self.results.clone(),
            write_failures: self.write_failures.clone(),
            name_rejected: AtomicBool::default(),
        }
    }

    fn hooks(&self) -> Hooks {
        Hooks {
            config: self.config.clone(),
            journal: self.journal.clone(),
        }
    }

    fn notify(&self) -> Notify {
        Notify {
            journal: self.journal.clone(),
            messages: self.journal.messages.clone(),
            prices: self.lane.spend.prices().clone(),
            backoff: self.lane.rules.backoff,
        }
    }

    fn finish(&self) -> Finish {
        Finish {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            reach: self.reach.clone(),
            write_failures: self.write_failures.clone(),
            give_up_after: self.give_up_after(),
        }
    }

    /// Returns how long the service or a model may fail before `run --once` leaves its recordings to the next run.
    fn give_up_after(&self) -> Duration {
        let retry = &self.config.retry;
        retry.max_backoff * retry.max_attempts
    }
}

fn admission(setup: &Setup) -> Admission {
    let config = &setup.config;
    let limits = AdmissionLimits {
        max_pending: config.limits.max_pending,
        polls_per_minute: config.limits.polls_per_minute.get(),
        retention: config.api.retention,
    };
    let backoff = rules(config)
        .backoff
        .capped_by_retention(config.api.retention);
    let window = SubmitWindow {
        hours: config.schedule.active_hours.clone(),
        until: setup.until,
        zone: setup.clock.zone(),
    };
    let state = AdmissionState::new(limits, backoff, window);
    Admission::new(state, setup.clock.clone())
}

const fn rules(config: &Config) -> Rules {
    Rules {
        max_attempts: config.retry.max_attempts,
        backoff: Backoff {
            initial: config.retry.backoff,
            max: config.retry.max_backoff,
        },
        polling: PollPolicy {
            interval: config.polling.interval,
            max_interval: config.polling.max_interval,
            retention: config.api.retention,
        },
        on_uncertain: config.retry.on_uncertain,
    }
}

/// Waits for the stages to end. After [`STOP_TIMEOUT`], abandons the requests in flight.
async fn drain(signals: &Signals, stages: &mut Stages) -> Result<(), RunError> {
    let mut outcome = Ok(());
    let timeout = tokio::time::sleep(STOP_TIMEOUT);
    tokio::pin!(timeout);
    loop {
        tokio::select! {
            ended = stages.join_next() => match ended {
                Some(ended) => outcome = outcome.and(stage_result(ended)),
                None => return outcome,
            },
            () = &mut timeout, if !signals.abandon.is_cancelled() => signals.abandon.cancel(),
        }
    }
}
