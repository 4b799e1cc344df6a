//! What the stages of a run share.

use super::beside::Beside;
use super::clock::Clock;
use super::event::{Event, Observer};
use super::fresh::Fresh;
use super::gate::Gate;
use super::tell;
use super::tempo::Tempo;
use crate::api::{CallError, CallErrorKind, Client, Pace};
use crate::config::Config;
use crate::domain::{Failure, Hold, HoldKind, JobId, Prices, RunId, Timestamp};
use crate::policy::backoff::{Backoff, Trouble};
use crate::policy::budget::{Account, Amount, Refusal};
use crate::policy::polling::Polling;
use crate::store::news::News;
use crate::store::queue::Reach;
use crate::store::{Store, StoreError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Between two tries of a change that the database could not take.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

/// What the stages of a run share.
pub struct Context {
    /// The configuration of the run.
    pub config: Config,
    /// The queue.
    pub store: Store,
    /// The service.
    pub client: Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whoever shows the run.
    pub observer: Arc<dyn Observer>,
    /// This run.
    pub run: RunId,
    /// When it began.
    pub began: Timestamp,
    /// When submissions and polls may leave.
    pub gate: Gate,
    /// What has been submitted, against the budget.
    pub account: Mutex<Account>,
    /// What the models cost.
    pub prices: Prices,
    /// Tokens for submissions.
    pub submit_pace: Tempo,
    /// Tokens for polls.
    pub poll_pace: Pace,
    /// Tokens for look-ups of lost answers.
    pub log_pace: Pace,
    /// Which sources may be submitted from, by the last scan.
    pub reach: RwLock<Reach>,
    /// There may be something to submit.
    pub to_submit: Notify,
    /// There may be something to save.
    pub to_save: Notify,
    /// There may be a lost answer to look up.
    pub to_look_up: Notify,
    /// Something ended, so that the run may be over.
    pub progress: Notify,
    /// No new work is begun.
    pub stop: CancellationToken,
    /// What is under way is given up.
    pub abandon: CancellationToken,
    /// What the run has brought about.
    pub tally: Tally,
    /// Room for files that are looked at.
    pub looks: Semaphore,
    /// Results that just came.
    pub fresh: Fresh,
    /// Messages and hooks.
    pub beside: Beside,
}

/// What a run has brought about so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Jobs done.
    pub done: AtomicU64,
    /// Jobs failed.
    pub failed: AtomicU64,
    /// Since when nothing could be written, though something was to be.
    pub unwritable_since: Mutex<Option<Timestamp>>,
    /// Polls in a row that the service refused for the key or the account.
    pub refused_polls: AtomicU64,
}

impl Tally {
    /// Something was written, or could not be, at `now`.
    pub fn tried_to_write(&self, written: bool, now: Timestamp) {
        let mut since = self
            .unwritable_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *since = if written { None } else { since.or(Some(now)) };
    }

    /// For how long nothing could be written.
    pub fn unwritable_for(&self, now: Timestamp) -> Duration {
        let since = *self
            .unwritable_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

impl Context {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A number from 0 to 1 for the policies.
    pub fn jitter(&self) -> f64 {
        rand::random()
    }

    /// Tells whoever shows the run.
    pub fn notice(&self, event: &Event) {
        match event {
            Event::Done { .. } => self.tally.done.fetch_add(1, Ordering::Relaxed),
            Event::Failed { .. } => self.tally.failed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        self.observer.notice(event);
    }

    /// The back-off of a single job.
    pub fn backoff(&self) -> Backoff {
        Backoff {
            first: self.config.retry.backoff,
            most: self.config.retry.max_backoff,
        }
    }

    /// When to poll.
    pub fn polling(&self) -> Polling {
        Polling {
            interval: self.config.polling.interval,
            max_interval: self.config.polling.max_interval,
            retention: self.config.api.retention,
        }
    }

    /// Something ended: the run may be over, unless more is on its way.
    pub fn progressed(&self) {
        if !self.gate.is_busy() {
            self.progress.notify_one();
        }
    }

    /// Puts a submission on the account, if the budget allows it.
    ///
    /// # Errors
    /// Why it may not be submitted.
    pub fn spend(&self, model: &str, duration_s: Option<f64>) -> Result<Amount, Refusal> {
        let cost = self.cost(model, duration_s);
        self.account().spend(self.now(), duration_s, cost)
    }

    /// Whether a budget or a limit may refuse a submission.
    pub fn is_capped(&self) -> bool {
        self.account().is_capped()
    }

    /// What a submission is put on the account with.
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

    /// Takes back what was spent for a submission that cost nothing.
    pub fn give_back(&self, amount: &Amount) {
        self.account().give_back(amount);
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which sources may be submitted from.
    pub fn reach(&self) -> Reach {
        self.reach
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes a change that must not be lost: as long as the database cannot take it for a passing reason (full disk,
    /// lock), submissions are held and it is tried again. A guard that hits no row means that somebody else changed
    /// the job: that is logged, and `None`.
    ///
    /// # Errors
    /// If the database fails for good, or still cannot take it when the run is abandoned.
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
                    "the job was changed by somebody else meanwhile; left as it is"
                );
                Ok(None)
            }
            done => done.map(Some),
        }
    }

    /// Makes a change, again as long as the database cannot take it for a passing reason.
    ///
    /// # Errors
    /// If the database fails for good, or still cannot take it when the run is abandoned.
    pub async fn patiently<T, F>(&self, mut change: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut troubled = false;
        loop {
            match change().await {
                Err(error) if error.is_passing() && !self.abandon.is_cancelled() => {
                    troubled = true;
                    self.store_trouble(&error);
                    tokio::time::sleep(STORE_RETRY).await;
                }
                ended => {
                    if troubled {
                        self.release(HoldKind::Disk).await;
                    }
                    return ended;
                }
            }
        }
    }

    /// Holds submissions, in memory at least, because the database cannot be written.
    pub fn store_trouble(&self, error: &StoreError) {
        let reason = std::error::Error::source(error)
            .map_or_else(String::new, |source| format!(": {source}"));
        let message = format!("{error}{reason}");
        let hold = Hold::new(HoldKind::Disk, self.now(), message.clone());
        if self.gate.hold(hold.clone()) {
            self.notice(&Event::StoreTrouble { reason: message });
            if matches!(error, StoreError::Disk(_)) {
                tell::without_store(self, &hold);
            }
            self.notice(&Event::Held { hold });
        }
    }

    /// Holds submissions, here and in the database, so that `status` and the next start know.
    pub async fn hold(&self, hold: Hold) {
        let news = self.close(&hold);
        self.record_hold(hold, news).await;
    }

    /// Holds submissions here, at once. What is told of it is to be recorded with it.
    pub(super) fn close(&self, hold: &Hold) -> Option<News> {
        let begun = if hold.kind.is_probed() {
            self.gate.refused(hold.clone())
        } else {
            self.gate.hold(hold.clone())
        };
        if !begun {
            return None;
        }
        self.notice(&Event::Held { hold: hold.clone() });
        tell::attention(self, hold)
    }

    /// Records a hold that is in force here.
    pub(super) async fn record_hold(&self, hold: Hold, news: Option<News>) {
        if hold.kind == HoldKind::Credit {
            // Whoever is asked for money has been let in.
            self.release(HoldKind::Auth).await;
        }
        if let Err(error) = self.store.hold_and_tell(hold, news).await {
            tracing::warn!(error = %error, "the hold could not be recorded; it is kept in memory");
        }
        self.beside.news.send_modify(|_| ());
        self.progress.notify_one();
    }

    /// Lifts the holds of the service, because it has just taken a submission.
    pub async fn release_probed(&self) {
        for kind in HoldKind::ALL.into_iter().filter(|kind| kind.is_probed()) {
            self.release(kind).await;
        }
    }

    /// Lifts a hold, here and in the database.
    pub async fn release(&self, kind: HoldKind) {
        if !self.gate.release(kind) {
            return;
        }
        self.notice(&Event::Released { kind });
        if let Err(error) = self.store.release(kind).await {
            tracing::warn!(error = %error, "the end of a hold could not be recorded");
        }
    }

    /// A request for `job`, begun at `began`, failed in a way that may be nobody's fault: slows every request down if it
    /// was not this job alone. Returns until when this job waits.
    pub fn slow_down(&self, began: Timestamp, job: JobId, error: &CallError) -> Timestamp {
        let trouble = match error.kind {
            CallErrorKind::RateLimited => Trouble::TooMany,
            _ => Trouble::Unclear,
        };
        let (before, wait) = (self.gate.opens_at(), error.retry_after);
        let until = self.gate.failed(began, job, trouble, wait, self.jitter());
        let opens_at = self.gate.opens_at();
        if opens_at > before {
            self.notice(&Event::SlowedDown {
                failure: error.failure.clone(),
                now: self.now(),
                until: opens_at,
            });
        }
        until
    }

    /// A job failed before or without a submission.
    pub fn failed(&self, job: JobId, name: PathBuf, failure: Failure) {
        self.notice(&Event::Failed { job, name, failure });
        self.progress.notify_one();
    }
}
