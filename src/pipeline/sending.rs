//! What becomes of a submission whose answer came, or did not.

use super::context::Context;
use super::event::Event;
use crate::api::{Accepted, CallError, CallErrorKind, Completed, Reply};
use crate::domain::{AttemptId, ErrorClass, Hold, HoldKind, JobId, Timestamp};
use crate::policy::budget::Amount;
use crate::policy::verdict::{Cause, Verdict, verdict};
use crate::store::StoreError;
use crate::store::compress::pack;
use crate::store::progress::{Acceptance, Completion, Ending, Next, Setback};
use crate::store::queue::{Candidate, Pending};
use tokio::sync::mpsc;

/// A submission whose answer came, or did not.
pub(super) struct Sending<'a> {
    pub(super) context: &'a Context,
    pub(super) candidate: &'a Candidate,
    pub(super) attempt: AttemptId,
    pub(super) began: Timestamp,
    pub(super) duration_s: Option<f64>,
    /// What it was put on the account with.
    pub(super) spent: Amount,
}

impl Sending<'_> {
    pub(super) async fn accepted(
        &self,
        accepted: Accepted,
        poller: &mpsc::UnboundedSender<Pending>,
    ) -> Result<(), StoreError> {
        self.context.gate.succeeded();
        self.context
            .submit_pace
            .accepted(self.began, self.context.now());
        match accepted.reply {
            Reply::Generation(_) => self.pending(accepted, poller).await?,
            Reply::Answer(completed) => self.received(completed, accepted.sha256).await?,
        }
        self.context.release_probed().await;
        Ok(())
    }

    async fn pending(
        &self,
        accepted: Accepted,
        poller: &mpsc::UnboundedSender<Pending>,
    ) -> Result<(), StoreError> {
        let Reply::Generation(generation) = accepted.reply else {
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
        self.context.notice(&Event::Accepted {
            job,
            name: self.candidate.relative.clone(),
        });
        self.context.gate.accepted();
        let pending = Pending {
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
        // If the poller has stopped already, the next start polls it.
        let _stopped = poller.send(pending);
        Ok(())
    }

    async fn received(
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
            self.context.notice(&Event::Received {
                job,
                name: self.candidate.relative.clone(),
                audio_s: completion.duration_s,
            });
            self.context.fresh.keep(job, now, completed);
            self.context.to_save.notify_one();
        }
        Ok(())
    }

    pub(super) async fn failed(&self, error: CallError) -> Result<(), StoreError> {
        let now = self.context.now();
        let Some(cause) = cause(&error) else {
            return self.file_moved(error, now).await;
        };
        if cause == Cause::RateLimited {
            self.context.submit_pace.refused(self.began, now);
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
            // Looked up at once, and not before it is known to be nowhere sent again.
            self.put_back(Ending::Uncertain, error, now, true).await?;
            self.context.to_look_up.notify_one();
            return Ok(());
        }
        let attempts = self.candidate.attempts + 1;
        let max_attempts = self.context.config.retry.max_attempts;
        match verdict(cause, attempts, max_attempts, self.context.gate.is_outage()) {
            Verdict::Hold(kind) => self.held(kind, error, now).await,
            Verdict::Wait => {
                self.put_back(Ending::Deferred, error, wait_until, false)
                    .await
            }
            Verdict::Retry => {
                let wait = self
                    .context
                    .backoff()
                    .delay(attempts, self.context.jitter());
                self.put_back(ending(cause), error, now.after(wait), true)
                    .await
            }
            Verdict::Fail => {
                let (job, name) = (self.candidate.job, self.candidate.relative.clone());
                if self.set_back(ending(cause), Next::Failed, &error).await? {
                    self.context.failed(job, name, error.failure);
                }
                Ok(())
            }
        }
    }

    /// The file moved under the upload: nothing was accepted, and the next look says what became of it.
    async fn file_moved(&self, error: CallError, now: Timestamp) -> Result<(), StoreError> {
        self.put_back(Ending::Deferred, error, now, false).await
    }

    async fn held(
        &self,
        kind: HoldKind,
        error: CallError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hold = Hold::new(kind, now, error.failure.message.clone());
        // Before it is queued again: else it would leave once more at once.
        let news = self.context.close(&hold);
        self.put_back(Ending::Deferred, error, now, false).await?;
        self.context.record_hold(hold, news).await;
        Ok(())
    }

    async fn put_back(
        &self,
        ending: Ending,
        error: CallError,
        due: Timestamp,
        spent: bool,
    ) -> Result<(), StoreError> {
        let (job, name) = (self.candidate.job, self.candidate.relative.clone());
        let next = Next::Queued { due, spent };
        if self.set_back(ending, next, &error).await? {
            self.context.notice(&Event::PutBack {
                job,
                name,
                failure: error.failure,
                due,
            });
        }
        Ok(())
    }

    /// Ends the attempt. `false` if somebody else changed the job.
    async fn set_back(
        &self,
        ending: Ending,
        next: Next,
        error: &CallError,
    ) -> Result<bool, StoreError> {
        if matches!(ending, Ending::Refused | Ending::Deferred) {
            self.context.give_back(&self.spent);
        }
        let setback = Setback {
            job: self.candidate.job,
            attempt: self.attempt,
            ending,
            next,
            failure: error.failure.clone(),
            http_status: error.http_status,
            request_id: error.request_id.clone(),
            now: self.context.now(),
        };
        let set_back = || self.context.store.set_back(setback.clone());
        let done = self.context.persist(setback.job, set_back).await?;
        Ok(done.is_some())
    }
}

/// A result as it is stored.
pub(super) fn completion(
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

/// Why a submission failed, for the policies; `None` where the file moved under it.
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
        CallErrorKind::Unknown | CallErrorKind::Garbled => Cause::Uncertain,
    })
}

const fn ending(cause: Cause) -> Ending {
    match cause {
        Cause::Uncertain => Ending::Uncertain,
        Cause::Lost => Ending::Lost,
        Cause::ServiceFailed | Cause::Unreachable | Cause::RateLimited => Ending::Deferred,
        Cause::Permanent | Cause::KeyRefused | Cause::NoCredit => Ending::Refused,
    }
}
