//! Outcome of a submission: stores the answer, or requeues or fails the job.

use crate::domain::{AttemptId, ErrorClass, Hold, HoldKind, JobId, Timestamp};
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::policy::budget::Amount;
use crate::policy::retry::{Cause, Verdict, verdict};
use crate::provider::{Accepted, CallError, CallErrorKind, Completed, SubmitReply};
use crate::store::StoreError;
use crate::store::compress::pack;
use crate::store::sqlite::queue::{Candidate, PendingJob};
use crate::store::sqlite::transitions::{
    Acceptance, AttemptOutcome, Completion, FailedAttempt, NextState,
};
use tokio::sync::mpsc;

/// A submission that got an answer or an error.
pub(crate) struct Sending<'a> {
    pub(crate) context: &'a Context,
    pub(crate) candidate: &'a Candidate,
    pub(crate) attempt: AttemptId,
    pub(crate) began: Timestamp,
    pub(crate) duration_s: Option<f64>,
    /// The amount charged to the budget at the claim.
    pub(crate) spent: Amount,
}

impl Sending<'_> {
    pub(crate) async fn accepted(
        &self,
        accepted: Accepted,
        poller: &mpsc::UnboundedSender<PendingJob>,
    ) -> Result<(), StoreError> {
        self.context.gate.record_success();
        self.context
            .submit_pace
            .record_accepted(self.began, self.context.now());
        match accepted.reply {
            SubmitReply::Generation(_) => self.store_acceptance(accepted, poller).await?,
            SubmitReply::Completed(completed) => {
                self.store_result(completed, accepted.sha256).await?
            }
        }
        self.context.release_probed().await;
        Ok(())
    }

    async fn store_acceptance(
        &self,
        accepted: Accepted,
        poller: &mpsc::UnboundedSender<PendingJob>,
    ) -> Result<(), StoreError> {
        let SubmitReply::Generation(generation) = accepted.reply else {
            return Ok(());
        };
        let (job, accepted_at) = (self.candidate.job, self.context.now());
        let acceptance = Acceptance {
            job,
            attempt: self.attempt,
            generation: generation.clone(),
            accepted_at,
            expires_at: accepted_at.after(self.context.config.api.retention),
            sha256: accepted.sha256,
            http_status: accepted.http_status,
            request_id: accepted.request_id,
        };
        let accept = || self.context.store.accept(acceptance.clone());
        if self.context.persist(job, accept).await?.is_none() {
            return Ok(());
        }
        self.context.notice(&RunEvent::Accepted {
            job,
            name: self.candidate.relative.clone(),
        });
        self.context.gate.add_pending();
        let pending = PendingJob {
            job,
            attempt: self.attempt,
            generation,
            accepted_at,
            expires_at: acceptance.expires_at,
            attempts: self.candidate.attempts + 1,
            model: self.candidate.request.model().to_owned(),
            duration_s: self.duration_s,
            relative: self.candidate.relative.clone(),
        };
        // If the poller has already stopped, the next start polls this generation.
        let _stopped = poller.send(pending);
        Ok(())
    }

    async fn store_result(
        &self,
        completed: Completed,
        sha256: Option<String>,
    ) -> Result<(), StoreError> {
        let (job, now) = (self.candidate.job, self.context.now());
        let completion = completion(job, self.attempt, &completed, sha256, now);
        if self
            .context
            .persist(job, || self.context.store.complete(completion.clone()))
            .await?
            .is_some()
        {
            self.context.notice(&RunEvent::Received {
                job,
                name: self.candidate.relative.clone(),
                audio_s: completion.duration_s,
            });
            self.context.fresh.insert(job, now, completed);
            self.context.to_save.notify_one();
        }
        Ok(())
    }

    pub(crate) async fn failed(&self, error: CallError) -> Result<(), StoreError> {
        let now = self.context.now();
        let Some(cause) = cause(&error) else {
            return self.file_changed(error, now).await;
        };
        if cause == Cause::RateLimited {
            self.context
                .submit_pace
                .record_rate_limited(self.began, now);
        }
        let wait_until = if matches!(
            cause,
            Cause::RateLimited | Cause::Unreachable | Cause::ServiceFailed | Cause::Uncertain
        ) {
            let job = self.candidate.job;
            self.context.slow_down(self.began, job, &error)
        } else {
            now
        };
        if cause == Cause::Uncertain {
            // Look-up starts immediately. The job is not sent again before look-up ends without finding it.
            self.requeue(AttemptOutcome::Uncertain, error, now, true)
                .await?;
            self.context.to_look_up.notify_one();
            return Ok(());
        }
        let attempts = self.candidate.attempts + 1;
        let max_attempts = self.context.config.retry.max_attempts;
        match verdict(cause, attempts, max_attempts, self.context.gate.is_outage()) {
            Verdict::Hold(kind) => self.hold_and_requeue(kind, error, now).await,
            Verdict::Wait => {
                self.requeue(AttemptOutcome::Deferred, error, wait_until, false)
                    .await
            }
            Verdict::Retry => {
                let wait = self
                    .context
                    .backoff()
                    .delay(attempts, self.context.jitter());
                self.requeue(ending(cause), error, now.after(wait), true)
                    .await
            }
            Verdict::Fail => {
                let (job, name) = (self.candidate.job, self.candidate.relative.clone());
                if self
                    .fail_attempt(ending(cause), NextState::Failed, &error)
                    .await?
                {
                    self.context.failed(job, name, error.failure);
                }
                Ok(())
            }
        }
    }

    /// Requeues a job whose file changed during the upload. Nothing was accepted; the next preflight handles the file.
    async fn file_changed(&self, error: CallError, now: Timestamp) -> Result<(), StoreError> {
        self.requeue(AttemptOutcome::Deferred, error, now, false)
            .await
    }

    async fn hold_and_requeue(
        &self,
        kind: HoldKind,
        error: CallError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hold = Hold::new(kind, now, error.failure.message.clone());
        // Admission must close before the job is requeued, or the job would be sent again immediately.
        let news = self.context.close(&hold);
        self.requeue(AttemptOutcome::Deferred, error, now, false)
            .await?;
        self.context.record_hold(hold, news).await;
        Ok(())
    }

    async fn requeue(
        &self,
        ending: AttemptOutcome,
        error: CallError,
        due: Timestamp,
        spent: bool,
    ) -> Result<(), StoreError> {
        let (job, name) = (self.candidate.job, self.candidate.relative.clone());
        let next = NextState::Queued { due, spent };
        if self.fail_attempt(ending, next, &error).await? {
            self.context.notice(&RunEvent::Requeued {
                job,
                name,
                failure: error.failure,
                due,
            });
        }
        Ok(())
    }

    /// Ends the attempt without a result and refunds it if it was not accepted. Returns `false` if the job was changed
    /// elsewhere in the meantime.
    async fn fail_attempt(
        &self,
        ending: AttemptOutcome,
        next: NextState,
        error: &CallError,
    ) -> Result<bool, StoreError> {
        if matches!(ending, AttemptOutcome::Refused | AttemptOutcome::Deferred) {
            self.context.give_back(&self.spent);
        }
        let setback = FailedAttempt {
            job: self.candidate.job,
            attempt: self.attempt,
            outcome: ending,
            next_state: next,
            failure: error.failure.clone(),
            http_status: error.http_status,
            request_id: error.request_id.clone(),
            now: self.context.now(),
        };
        let change = || self.context.store.fail_attempt(setback.clone());
        let done = self.context.persist(setback.job, change).await?;
        Ok(done.is_some())
    }
}

/// Builds the stored form of a result.
pub(crate) fn completion(
    job: JobId,
    attempt: AttemptId,
    completed: &Completed,
    sha256: Option<String>,
    now: Timestamp,
) -> Completion {
    let transcript = &completed.transcript;
    Completion {
        job,
        attempt,
        raw: pack(&completed.raw),
        duration_s: transcript.duration_s,
        words: transcript.words.len() as u64,
        language: transcript.language.clone(),
        silent: transcript.is_silent(),
        sha256,
        now,
    }
}

/// Maps an error to its cause for the retry decision; `None` if the file changed during the upload.
const fn cause(error: &CallError) -> Option<Cause> {
    Some(match error.kind {
        CallErrorKind::FileGone | CallErrorKind::FileChanged => return None,
        CallErrorKind::FileUnreadable | CallErrorKind::Refused | CallErrorKind::Missing => {
            Cause::Permanent
        }
        CallErrorKind::Auth => Cause::KeyRefused,
        CallErrorKind::Credit => Cause::NoCredit,
        CallErrorKind::RateLimited => Cause::RateLimited,
        CallErrorKind::Unavailable if matches!(error.failure.class, ErrorClass::Network) => {
            Cause::Unreachable
        }
        CallErrorKind::Unavailable => Cause::ServiceFailed,
        CallErrorKind::Unknown | CallErrorKind::Malformed => Cause::Uncertain,
    })
}

const fn ending(cause: Cause) -> AttemptOutcome {
    match cause {
        Cause::Uncertain => AttemptOutcome::Uncertain,
        Cause::Lost => AttemptOutcome::Lost,
        Cause::ServiceFailed | Cause::Unreachable | Cause::RateLimited => AttemptOutcome::Deferred,
        Cause::Permanent | Cause::KeyRefused | Cause::NoCredit => AttemptOutcome::Refused,
    }
}
