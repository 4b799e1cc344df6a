//! State shared by the stages of a run.

use super::event::{Observer, RunEvent};
use crate::config::Config;
use crate::domain::{Failure, Hold, HoldKind, JobId, PriceTable, RunId, Timestamp};
use crate::pipeline::admission::Admission;
use crate::pipeline::background::Background;
use crate::pipeline::result_cache::ResultCache;
use crate::pipeline::stages::notify;
use crate::pipeline::submit_rate::SubmitRate;
use crate::policy::backoff::{Backoff, FailureScope};
use crate::policy::budget::{Amount, Budget, BudgetRefusal};
use crate::policy::polling::PollPolicy;
use crate::provider::{CallError, CallErrorKind, Client};
use crate::runtime::clock::Clock;
use crate::runtime::rate_limiter::RateLimiter;
use crate::store::sqlite::outbox_message::OutboxMessage;
use crate::store::sqlite::queue::ReachableSources;
use crate::store::{Store, StoreError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Delay between attempts to write to a database that is temporarily unavailable.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

/// State shared by the stages of a run.
pub struct Context {
    /// Configuration of the run.
    pub config: Config,
    /// Job queue.
    pub store: Store,
    /// Client of the speech-to-text service.
    pub client: Client,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Receiver of the events of the run.
    pub observer: Arc<dyn Observer>,
    /// ID of this run.
    pub run: RunId,
    /// Start time of the run.
    pub began: Timestamp,
    /// Admission control for submissions and polls.
    pub gate: Admission,
    /// Spend counted against the budget.
    pub account: Mutex<Budget>,
    /// Prices of the models.
    pub prices: PriceTable,
    /// Rate limiter of submissions.
    pub submit_pace: SubmitRate,
    /// Rate limiter of polls.
    pub poll_pace: RateLimiter,
    /// Rate limiter of request-log queries.
    pub log_pace: RateLimiter,
    /// Sources that may be submitted from, according to the last scan.
    pub reach: RwLock<ReachableSources>,
    /// Notified when a job may be ready to submit.
    pub to_submit: Notify,
    /// Notified when a result may be ready to save.
    pub to_save: Notify,
    /// Notified when there may be an uncertain submission to look up.
    pub to_look_up: Notify,
    /// Notified when work has finished and the run may be complete.
    pub progress: Notify,
    /// Cancelled to stop starting new work.
    pub stop: CancellationToken,
    /// Cancelled to abandon in-flight work.
    pub abandon: CancellationToken,
    /// Counters of the run.
    pub tally: Tally,
    /// Limits the number of concurrent preflight checks.
    pub looks: Semaphore,
    /// Recently received results.
    pub fresh: ResultCache,
    /// Background tasks: notifications and hooks.
    pub beside: Background,
}

/// Counters of a run.
#[derive(Debug, Default)]
pub struct Tally {
    /// Number of completed jobs.
    pub done: AtomicU64,
    /// Number of failed jobs.
    pub failed: AtomicU64,
    /// Time of the first failed write since the last successful one.
    pub unwritable_since: Mutex<Option<Timestamp>>,
    /// Number of consecutive polls that the service refused because of the key or the account.
    pub refused_polls: AtomicU64,
}

impl Tally {
    /// Records whether a write at `now` succeeded.
    pub fn tried_to_write(&self, written: bool, now: Timestamp) {
        let mut since = self
            .unwritable_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *since = if written { None } else { since.or(Some(now)) };
    }

    /// Returns how long all writes have failed.
    pub fn unwritable_for(&self, now: Timestamp) -> Duration {
        let since = *self
            .unwritable_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

impl Context {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a random number from 0 to 1.
    pub fn jitter(&self) -> f64 {
        rand::random()
    }

    /// Counts the event and sends it to the observer.
    pub fn notice(&self, event: &RunEvent) {
        match event {
            RunEvent::Done { .. } => self.tally.done.fetch_add(1, Ordering::Relaxed),
            RunEvent::Failed { .. } => self.tally.failed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        self.observer.on_event(event);
    }

    /// Returns the back-off policy of a single job.
    pub fn backoff(&self) -> Backoff {
        Backoff {
            initial: self.config.retry.backoff,
            max: self.config.retry.max_backoff,
        }
    }

    /// Returns the polling policy.
    pub fn polling(&self) -> PollPolicy {
        PollPolicy {
            interval: self.config.polling.interval,
            max_interval: self.config.polling.max_interval,
            retention: self.config.api.retention,
        }
    }

    /// Reports finished work. Wakes the runner if nothing else is in flight.
    pub fn progressed(&self) {
        if !self.gate.is_busy() {
            self.progress.notify_one();
        }
    }

    /// Charges a submission to the budget.
    ///
    /// # Errors
    /// The reason if the budget does not allow it.
    pub fn spend(&self, model: &str, duration_s: Option<f64>) -> Result<Amount, BudgetRefusal> {
        let cost = self.cost(model, duration_s);
        self.budget().spend(self.now(), duration_s, cost)
    }

    /// Whether a budget or a limit may refuse a submission.
    pub fn is_capped(&self) -> bool {
        self.budget().is_capped()
    }

    /// Returns the amount that a submission is charged.
    pub fn amount(&self, model: &str, duration_s: Option<f64>) -> Amount {
        Amount {
            audio_s: duration_s.unwrap_or(0.0),
            cost: self.cost(model, duration_s).unwrap_or(0.0),
            recordings: 1.0,
        }
    }

    fn cost(&self, model: &str, duration_s: Option<f64>) -> Option<f64> {
        self.prices.cost(model, duration_s?)
    }

    /// Refunds the amount of a submission that was not billed.
    pub fn give_back(&self, amount: &Amount) {
        self.budget().refund(amount);
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the sources that may be submitted from.
    pub fn reach(&self) -> ReachableSources {
        self.reach
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes a change that must not be lost. Retries as [`patiently`](Self::patiently) does.
    ///
    /// Returns `None` if the job was changed elsewhere in the meantime, so that the change did not apply.
    ///
    /// # Errors
    /// If the database fails permanently, or is still unavailable when the run is abandoned.
    pub async fn persist<T, F>(
        &self,
        job: JobId,
        change: impl FnMut() -> F,
    ) -> Result<Option<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        match self.patiently(change).await {
            Err(StoreError::Stale) => {
                tracing::debug!(
                    job.id = job.0,
                    "job changed elsewhere; skipping this change"
                );
                Ok(None)
            }
            done => done.map(Some),
        }
    }

    /// Makes a change. Retries while the database is temporarily unavailable (full disk, lock), and holds submissions
    /// meanwhile.
    ///
    /// # Errors
    /// If the database fails permanently, or is still unavailable when the run is abandoned.
    pub async fn patiently<T, F>(&self, mut change: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut has_failed = false;
        loop {
            match change().await {
                Err(error) if error.is_transient() && !self.abandon.is_cancelled() => {
                    has_failed = true;
                    self.store_trouble(&error);
                    tokio::time::sleep(STORE_RETRY).await;
                }
                result => {
                    if has_failed {
                        self.release(HoldKind::Disk).await;
                    }
                    return result;
                }
            }
        }
    }

    /// Holds submissions in memory because the database cannot be written.
    pub fn store_trouble(&self, error: &StoreError) {
        let reason = std::error::Error::source(error)
            .map_or_else(String::new, |source| format!(": {source}"));
        let message = format!("{error}{reason}");
        let hold = Hold::new(HoldKind::Disk, self.now(), message.clone());
        if self.gate.hold(hold.clone()) {
            self.notice(&RunEvent::StoreUnavailable { reason: message });
            if matches!(error, StoreError::Disk(_)) {
                notify::send_without_store(self, &hold);
            }
            self.notice(&RunEvent::Held { hold });
        }
    }

    /// Holds submissions, in memory and in the database. `status` and the next start read it there.
    pub async fn hold(&self, hold: Hold) {
        let news = self.close(&hold);
        self.record_hold(hold, news).await;
    }

    /// Holds submissions in memory, immediately. Returns the notification to store with the hold, if there is one.
    pub(super) fn close(&self, hold: &Hold) -> Option<OutboxMessage> {
        let is_new = if hold.kind.is_probed() {
            self.gate.hold_refused(hold.clone())
        } else {
            self.gate.hold(hold.clone())
        };
        if !is_new {
            return None;
        }
        self.notice(&RunEvent::Held { hold: hold.clone() });
        notify::hold_message(self, hold)
    }

    /// Stores a hold that is already in force in memory.
    pub(super) async fn record_hold(&self, hold: Hold, news: Option<OutboxMessage>) {
        if hold.kind == HoldKind::Credit {
            // A missing credit is reported only for a valid key.
            self.release(HoldKind::Auth).await;
        }
        if let Err(error) = self.store.hold_and_notify(hold, news).await {
            tracing::warn!(error = %error, "failed to store the hold; keeping it in memory");
        }
        self.beside.outbox_changed.send_modify(|_| ());
        self.progress.notify_one();
    }

    /// Lifts all holds imposed by the service, because it has just accepted a submission.
    pub async fn release_probed(&self) {
        for kind in HoldKind::ALL.into_iter().filter(|kind| kind.is_probed()) {
            self.release(kind).await;
        }
    }

    /// Lifts a hold, in memory and in the database.
    pub async fn release(&self, kind: HoldKind) {
        if !self.gate.release(kind) {
            return;
        }
        self.notice(&RunEvent::Released { kind });
        if let Err(error) = self.store.release(kind).await {
            tracing::warn!(error = %error, "failed to store the release of a hold");
        }
    }

    /// Records a transient failure of a request for `job` that was started at `began`. Delays all requests if the
    /// failure is not specific to this job. Returns until when this job waits.
    pub fn slow_down(&self, began: Timestamp, job: JobId, error: &CallError) -> Timestamp {
        let trouble = match error.kind {
            CallErrorKind::RateLimited => FailureScope::AllRequests,
            _ => FailureScope::Unclear,
        };
        let (before, wait) = (self.gate.opens_at(), error.retry_after);
        let until = self
            .gate
            .record_failure(began, job, trouble, wait, self.jitter());
        let opens_at = self.gate.opens_at();
        if opens_at > before {
            self.notice(&RunEvent::SlowedDown {
                failure: error.failure.clone(),
                now: self.now(),
                until: opens_at,
            });
        }
        until
    }

    /// Reports a failed job and wakes the runner.
    pub fn failed(&self, job: JobId, name: PathBuf, failure: Failure) {
        self.notice(&RunEvent::Failed { job, name, failure });
        self.progress.notify_one();
    }
}
