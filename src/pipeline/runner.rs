//! One run, from the lock to the last commit.

use super::assembly::Run;
use super::background::BackgroundTasks;
use super::event::RunEvent;
use super::finish::Finish;
use super::lock::Lock;
use super::monitor::{self, Monitor};
use super::run::{Mode, RunError, STOP_TIMEOUT, Setup, Stages, Summary, stage_result};
use super::search_backlog::SearchBacklog;
use super::signals::Signals;
use super::sound_copies::remove_leftovers;
use super::stages::compare::{self, Comparer};
use super::stages::discover::{self, daemon};
use super::stages::notify::{self, ClosingState};
use super::stages::poll;
use super::stages::recover;
use super::stages::save;
use super::stages::submit::{self, Submit};
use crate::disk::identity::PlacedFile;
use crate::domain::{Hold, HoldKind, Problem};
use crate::store::sqlite::recovery::Recovered;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often a run checks whether it is finished, in addition to the checks after each completion.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long a start searches the database for damage. It covers some hundred thousand recordings.
const INTEGRITY_LIMIT: Duration = Duration::from_secs(1);
/// How long that search may delay the start. It goes on during the run, and nothing is submitted before it ends.
const INTEGRITY_DELAY: Duration = Duration::from_millis(50);

/// Runs until nothing is left to do ([`Mode::Once`], [`Mode::Queued`]), or until it is stopped. After a crash at any point, the
/// next run continues from the queue.
///
/// # Errors
/// If the state folder cannot be locked or is replaced during the run, money is capped and a model has no price, the HTTP client
/// cannot be created, the database is damaged or fails permanently, or a stage panics.
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
    let (run, recovered) = Run::begin(setup, store).await?;
    run.restore(recovered).await?;
    let background = run.start_background(mode).await?;
    let unreachable = run.stages(mode, &reload, lock.file(), integrity).await?;
    let summary = run.summary(recovered, unreachable).await?;
    // The run goes on after a reload, so it has no summary yet.
    let closing = (!reload.is_cancelled()).then(|| ClosingState {
        problems: summary.problems.clone(),
        awaited: summary.awaited,
    });
    background.finish(closing).await;
    run.end(&summary.holds).await?;
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

impl Run {
    /// Applies the configuration to the queue, and restores the holds of earlier runs.
    async fn restore(&self, recovered: Recovered) -> Result<(), StoreError> {
        let journal = &self.journal;
        let reconfigure = || journal.store.reconfigure(self.requests(), journal.now());
        journal.retrying(reconfigure).await?;
        journal.emit(&RunEvent::Started { recovered });
        journal.retrying(|| monitor::restore_holds(journal)).await?;
        journal.retrying(|| self.restore_source_holds()).await
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

    /// Starts what goes on while the stages end: hooks, notifications and the search backlog.
    async fn start_background(&self, mode: Mode) -> Result<BackgroundTasks, StoreError> {
        let notify = self.notify();
        notify::reopen_outbox(&notify).await?;
        let store = self.journal.store.clone();
        let search = SearchBacklog::new(store, &self.config.sources);
        let hooks = self.hooks();
        Ok(BackgroundTasks::start(hooks, notify, search, mode))
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

    /// Records the end of the run, and closes the database. `holds` are those in force.
    async fn end(self, holds: &[Hold]) -> Result<(), StoreError> {
        let journal = self.journal.clone();
        for hold in holds {
            // A cap on a single run ends with the run.
            if hold.kind == HoldKind::Budget && hold.ends.is_none() {
                journal.store.release(hold.kind).await?;
            }
        }
        let id = journal.messages.run;
        journal.store.end_run(id, journal.now()).await?;
        drop(self);
        if let Some(journal) = Arc::into_inner(journal) {
            journal.store.close().await;
        }
        Ok(())
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
