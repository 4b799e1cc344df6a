//! The durable writes of a run, each retried until the database takes it, and the events that follow from them.

use super::admission::Admission;
use super::event::{Observer, RunEvent};
use super::messages::Messages;
use super::signals::Signals;
use crate::domain::{Failure, Hold, HoldKind, JobId, Timestamp};
use crate::provider::CallError;
use crate::runtime::clock::Clock;
use crate::store::sqlite::transitions::{FailedAttempt, NextState};
use crate::store::{Store, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Delay between attempts to write to a database that is temporarily unavailable.
pub const STORE_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The queue of a run with its clock and observers. Every stage writes through it.
pub struct Journal {
    /// Job queue.
    pub store: Store,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Stop requests and wake-ups.
    pub signals: Arc<Signals>,
    /// Admission control, which holds submissions while the database cannot be written.
    pub admission: Arc<Admission>,
    /// Receivers of the events of the run.
    pub observers: Vec<Arc<dyn Observer>>,
    /// Notifications about holds. They are stored in the same commit as their hold.
    pub messages: Arc<Messages>,
}

impl Journal {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends the event to all observers.
    pub fn emit(&self, event: &RunEvent) {
        for observer in &self.observers {
            observer.on_event(event);
        }
    }

    /// Makes a change of `job` that must not be lost. Retries as [`retrying`](Self::retrying) does.
    ///
    /// Returns `None` if the job was changed elsewhere in the meantime, so that the change did not apply.
    ///
    /// # Errors
    /// If the database fails permanently, or is still unavailable when the run is abandoned.
    pub async fn record<T, F>(
        &self,
        job: JobId,
        change: impl FnMut() -> F,
    ) -> Result<Option<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        match self.retrying(change).await {
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
    pub async fn retrying<T, F>(&self, change: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut has_failed = false;
        let result = retry_transient(change, |error| {
            let retries = !self.signals.abandon.is_cancelled();
            if retries {
                has_failed = true;
                self.hold_for_store_error(error);
            }
            retries
        });
        let result = result.await;
        if has_failed {
            self.release(HoldKind::Disk).await;
        }
        result
    }

    /// Ends an attempt without a result: its job is requeued or fails. Returns whether the change applied.
    ///
    /// # Errors
    /// If the database fails permanently, or is still unavailable when the run is abandoned.
    pub async fn end_attempt(
        &self,
        ended: FailedAttempt,
        name: PathBuf,
    ) -> Result<bool, StoreError> {
        let job = ended.job;
        let change = || self.store.fail_attempt(ended.clone());
        if self.record(job, change).await?.is_none() {
            return Ok(false);
        }
        let failure = ended.failure;
        match ended.next_state {
            NextState::Queued { due, .. } => self.requeued(job, name, failure, due),
            NextState::Failed => self.failed(job, name, failure),
        }
        Ok(true)
    }

    /// Reports a requeued job and wakes the submit stage.
    pub fn requeued(&self, job: JobId, name: PathBuf, failure: Failure, due: Timestamp) {
        self.emit(&RunEvent::Requeued {
            job,
            name,
            failure,
            due,
        });
        self.signals.wake_submit.notify_one();
    }

    /// Reports a failed job. Wakes the runner, and the submit stage: a duplicate may have waited for the job.
    pub fn failed(&self, job: JobId, name: PathBuf, failure: Failure) {
        self.emit(&RunEvent::Failed { job, name, failure });
        self.signals.progress.notify_one();
        self.signals.wake_submit.notify_one();
    }

    /// Reports finished work. Wakes the runner if nothing else is in flight.
    pub fn notify_progress(&self) {
        if !self.admission.is_busy() {
            self.signals.progress.notify_one();
        }
    }

    /// Holds submissions in memory because the database cannot be written.
    pub fn hold_for_store_error(&self, error: &StoreError) {
        let reason = std::error::Error::source(error)
            .map_or_else(String::new, |source| format!(": {source}"));
        let message = format!("{error}{reason}");
        let hold = Hold::new(HoldKind::Disk, self.now(), message.clone());
        if self.admission.hold(hold.clone()) {
            self.emit(&RunEvent::StoreUnavailable { reason: message });
            if matches!(error, StoreError::Disk(_)) {
                self.messages.send_without_store(&hold);
            }
            self.emit(&RunEvent::Held { hold });
        }
    }

    /// Reports that the service has been unreachable for too long.
    pub async fn report_unreachable(&self) {
        let problem = self.messages.tally.unreachable();
        self.emit(&RunEvent::Unreachable {
            problem: problem.clone(),
        });
        let Some(message) = self.messages.of_problem(&problem) else {
            return;
        };
        if let Err(error) = self.store.enqueue_message(message).await {
            tracing::warn!(error = %error, "failed to store the message about the unreachable service");
        }
        self.messages.wake_delivery();
    }

    /// Holds submissions, in memory and in the database. `status` and the next start read it there.
    pub async fn hold(&self, hold: Hold) {
        let begun = self.begin_hold(hold);
        self.store_hold(begun).await;
    }

    /// Holds submissions in memory, immediately. [`store_hold`](Self::store_hold) makes it durable.
    #[must_use = "the hold is only in memory until it is stored"]
    pub fn begin_hold(&self, hold: Hold) -> BegunHold {
        let is_new = if hold.kind.is_probed() {
            self.admission.hold_refused(hold.clone())
        } else {
            self.admission.hold(hold.clone())
        };
        if is_new {
            self.emit(&RunEvent::Held { hold: hold.clone() });
        }
        BegunHold { hold, is_new }
    }

    /// Begins the hold that a refused call causes.
    #[must_use = "the hold is only in memory until it is stored"]
    pub fn begin_hold_for(&self, kind: HoldKind, error: &CallError) -> BegunHold {
        self.begin_hold(Hold::new(kind, self.now(), error.failure.message.clone()))
    }

    /// Stores a hold that is in force in memory, with its notification. A crash before this leaves no hold; its cause
    /// shows again at the next request.
    pub async fn store_hold(&self, BegunHold { hold, is_new }: BegunHold) {
        if hold.kind == HoldKind::Credit {
            // A missing credit is reported only for a valid key.
            self.release(HoldKind::Auth).await;
        }
        let message = is_new.then(|| self.messages.of_hold(&hold)).flatten();
        if let Err(error) = self.store.hold_and_notify(hold, message).await {
            tracing::warn!(error = %error, "failed to store the hold; keeping it in memory");
        }
        self.messages.wake_delivery();
        self.signals.progress.notify_one();
    }

    /// Lifts the holds that are over when the service accepts a submission.
    pub async fn release_accepted(&self) {
        let over = HoldKind::ALL
            .into_iter()
            .filter(|kind| kind.ends_with_acceptance());
        for kind in over {
            self.release(kind).await;
        }
    }

    /// Lifts a hold, in memory and in the database.
    pub async fn release(&self, kind: HoldKind) {
        if !self.admission.release(kind) {
            return;
        }
        self.emit(&RunEvent::Released { kind });
        if let Err(error) = self.store.release(kind).await {
            tracing::warn!(error = %error, "failed to store the release of a hold");
        }
    }
}

impl Observer for Journal {
    fn on_event(&self, event: &RunEvent) {
        self.emit(event);
    }
}

/// A hold that is in force in memory and not yet stored.
pub struct BegunHold {
    hold: Hold,
    is_new: bool,
}

/// Makes a change. Retries every second while the error is transient and `retries` answers `true` to it.
///
/// # Errors
/// If the database fails permanently, or `retries` ends the retries.
pub async fn retry_transient<T, F>(
    mut change: impl FnMut() -> F,
    mut retries: impl FnMut(&StoreError) -> bool,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match change().await {
            Err(error) if error.is_transient() && retries(&error) => {
                tokio::time::sleep(STORE_RETRY_DELAY).await;
            }
            result => return result,
        }
    }
}
