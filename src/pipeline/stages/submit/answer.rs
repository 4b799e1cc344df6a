//! The answer to a submission: its meaning is decided by the policy and applied here.

use super::Submit;
use crate::domain::{AttemptId, HoldKind, RecordingHash, Timestamp};
use crate::pipeline::event::RunEvent;
use crate::pipeline::lane::Answered;
use crate::pipeline::received::NewResult;
use crate::policy::outcome::{Answer, Call, JobChange, decide};
use crate::provider::{Accepted, CallError, Completed, SubmitReply};
use crate::store::StoreError;
use crate::store::sqlite::queue::{Candidate, PendingJob};
use crate::store::sqlite::transitions::{Acceptance, FailedAttempt};

/// A submission that was sent.
pub(super) struct Sent<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) attempt: AttemptId,
    pub(super) started_at: Timestamp,
    /// The same by [`Clock::steady`](crate::runtime::clock::Clock::steady).
    pub(super) started_steady: Timestamp,
    pub(super) duration_s: Option<f64>,
    /// SHA-256 of what was sent in place of the recording, if it was not sent itself.
    pub(super) sent_sha256: Option<String>,
}

impl Submit {
    /// Decides what the answer means and applies it.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn answered(
        &self,
        sent: &Sent<'_>,
        mut reply: Result<Accepted, CallError>,
    ) -> Result<(), StoreError> {
        let model = sent.candidate.job.request.model();
        let answer = match &mut reply {
            Ok(accepted) => answer_of(accepted),
            Err(error) => self.lane.answer_of(error, model, self.journal.now()).await,
        };
        let error = reply.as_ref().err();
        let answered = Answered {
            answer,
            call: Call::Submission,
            job: sent.candidate.job.id,
            model,
            started_at: sent.started_at,
            retry_after: error.and_then(|error| error.retry_after),
        };
        let seen = self.lane.observe(&self.journal, &answered, error);
        let attempts = sent.candidate.job.attempts + 1;
        let facts = self.lane.facts(seen, answered.call, attempts);
        let effect = decide(answered.answer, &facts, self.journal.now(), rand::random());
        match reply {
            Ok(accepted) => self.accepted(sent, accepted).await,
            Err(error) => {
                let hold = effect
                    .hold
                    .map(|kind| self.journal.begin_hold_for(kind, &error));
                self.not_accepted(sent, effect.change, error).await?;
                if let Some(hold) = hold {
                    self.journal.store_hold(hold).await;
                }
                Ok(())
            }
        }
    }

    async fn accepted(&self, sent: &Sent<'_>, accepted: Accepted) -> Result<(), StoreError> {
        let model = sent.candidate.job.request.model();
        self.lane.withdrawn.record_acceptance(model);
        match accepted.reply {
            SubmitReply::Generation(_) => self.store_acceptance(sent, accepted).await?,
            SubmitReply::Completed(completed) => {
                self.store_result(sent, completed, accepted.usd_spent, accepted.hash)
                    .await?;
            }
        }
        self.journal.release_accepted().await;
        Ok(())
    }

    async fn store_acceptance(
        &self,
        sent: &Sent<'_>,
        accepted: Accepted,
    ) -> Result<(), StoreError> {
        let SubmitReply::Generation(generation) = accepted.reply else {
            return Ok(());
        };
        let (candidate, accepted_at) = (sent.candidate, self.journal.now());
        let job = candidate.job.id;
        let acceptance = Acceptance {
            job,
            attempt: sent.attempt,
            generation: generation.clone(),
            accepted_at,
            expires_at: accepted_at.after(self.lane.rules.polling.retention),
            hash: accepted.hash,
            http_status: accepted.http_status,
            request_id: accepted.request_id,
            charged_usd: accepted.usd_spent,
        };
        let change = || self.journal.store.accept(acceptance.clone());
        if self.journal.record(job, change).await?.is_none() {
            return Ok(());
        }
        self.journal.emit(&RunEvent::Accepted {
            job,
            name: candidate.recording.relative.clone(),
        });
        self.lane.admission.add_pending();
        let pending = PendingJob {
            job,
            attempt: sent.attempt,
            generation,
            accepted_at,
            expires_at: acceptance.expires_at,
            attempts: candidate.job.attempts + 1,
            model: candidate.job.request.model().to_owned(),
            duration_s: sent.duration_s,
            sha256: sent
                .sent_sha256
                .clone()
                .or_else(|| acceptance.hash.map(|hash| hash.sha256))
                .map(String::into_boxed_str),
            has_unusable_answer: false,
            relative: candidate.recording.relative.clone(),
        };
        // If the poll stage has already stopped, the next start polls this generation.
        let _stopped = self.poller.send(pending);
        Ok(())
    }

    async fn store_result(
        &self,
        sent: &Sent<'_>,
        completed: Completed,
        usd_spent: Option<f64>,
        hash: Option<RecordingHash>,
    ) -> Result<(), StoreError> {
        let new = NewResult {
            job: sent.candidate.job.id,
            attempt: sent.attempt,
            name: &sent.candidate.recording.relative,
            model: sent.candidate.job.request.model(),
            completed,
            charged_usd: usd_spent,
            hash,
        };
        let stored = self.lane.receive(&self.journal, &self.results, new);
        stored.await.map(|_| ())
    }

    async fn not_accepted(
        &self,
        sent: &Sent<'_>,
        change: JobChange,
        error: CallError,
    ) -> Result<(), StoreError> {
        let (job, now) = (sent.candidate.job.id, self.journal.now());
        let Some(ended) = FailedAttempt::of(change, job, sent.attempt, Some(error.failure), now)
        else {
            return Ok(());
        };
        if ended.outcome.is_free() && self.lane.spend.refund_attempt(sent.attempt, now) {
            self.journal.release(HoldKind::Budget).await;
        }
        let ended = FailedAttempt {
            http_status: error.http_status,
            request_id: error.request_id,
            ..ended
        };
        let name = sent.candidate.recording.relative.clone();
        let is_uncertain = change == JobChange::LookUp;
        if is_uncertain {
            self.ages.record(sent.attempt, sent.started_steady);
        }
        if self.journal.end_attempt(ended, name).await? && is_uncertain {
            self.lane.admission.add_uncertain();
            self.journal.signals.wake_recover.notify_one();
        }
        Ok(())
    }
}

const fn answer_of(accepted: &Accepted) -> Answer {
    match accepted.reply {
        SubmitReply::Generation(_) => Answer::Accepted,
        SubmitReply::Completed(_) => Answer::Completed,
    }
}
