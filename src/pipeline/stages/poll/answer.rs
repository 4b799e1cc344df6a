//! The answer to a poll: its meaning is decided by the policy and applied here.

use super::schedule::PolledGeneration;
use super::{Poll, PollOutcome};
use crate::domain::readable_path::readable_path;
use crate::domain::{Failure, Hold, HoldKind};
use crate::pipeline::journal::BegunHold;
use crate::pipeline::lane::Answered;
use crate::pipeline::received::{NewResult, packed};
use crate::policy::outcome::{Answer, Facts, JobChange, Reason, decide};
use crate::provider::{CallError, Completed, PollStatus, UnusableAnswer};
use crate::runtime::clock::Reading;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use crate::store::sqlite::transitions::FailedAttempt;
use crate::store::sqlite::unusable::KeptAnswer;

impl Poll {
    /// Decides what the answer to a poll means and applies it.
    pub(super) async fn answered(
        &self,
        mut generation: PolledGeneration,
        started: Reading,
        reply: Result<PollStatus, CallError>,
    ) -> Result<PollOutcome, StoreError> {
        let answer = reply.as_ref().map_or_else(CallError::answer, answer_of);
        let (pending, error) = (&generation.pending, reply.as_ref().err());
        let answered = Answered {
            answer,
            call: generation.call(self.clocks().steady),
            job: pending.job,
            model: &pending.model,
            started_at: started.now,
            retry_after: error.and_then(|error| error.retry_after),
        };
        let seen = self.lane.observe(&self.journal, &answered, error);
        let facts = Facts {
            refused_alike: self.was_refused_alike(pending, &reply).await?,
            ..self.lane.facts(seen, answered.call, pending.attempts)
        };
        let effect = decide(answer, &facts, self.journal.now(), rand::random());
        if answer.is_success() && self.lane.client.take_key_renewed() {
            self.journal.release(HoldKind::Auth).await;
        }
        if let (Some(kind), Some(error)) = (effect.hold, error) {
            let hold = self.journal.begin_hold_for(kind, error);
            self.journal.store_hold(hold).await;
        }
        match (effect.change, reply) {
            (
                JobChange::Complete,
                Ok(PollStatus::Completed(completed) | PollStatus::WithoutResult(completed)),
            ) => self.store_result(generation, completed).await,
            (JobChange::PollAgain { unfinished, due }, reply) => {
                warn_if_unreadable(&generation, &reply);
                generation.record(answer, started.steady);
                generation.last_unfinished_at = unfinished.then_some(started.steady);
                Ok(match due {
                    Some(due) => PollOutcome::RetryAt(generation, self.clocks().to_steady(due)),
                    None => PollOutcome::Unfinished(generation),
                })
            }
            (change, reply) => self.end_without_result(generation, change, reply).await,
        }
    }

    /// Whether an earlier attempt of the job was accepted and then refused in the same words.
    async fn was_refused_alike(
        &self,
        pending: &PendingJob,
        reply: &Result<PollStatus, CallError>,
    ) -> Result<bool, StoreError> {
        let Ok(PollStatus::Failed(failure)) = reply else {
            return Ok(false);
        };
        let attempts = self.journal.store.attempts(pending.job).await?;
        let mut earlier = attempts
            .iter()
            .filter(|attempt| attempt.id != pending.attempt && attempt.generation_id.is_some());
        Ok(earlier.any(|attempt| {
            let error = attempt.error.as_ref();
            error.is_some_and(|error| failure.reads_like(error))
        }))
    }

    /// Keeps an answer that cannot be used, before anything is decided about it. An answer that repeats is kept once.
    pub(super) async fn keep(
        &self,
        generation: &mut PolledGeneration,
        answer: &UnusableAnswer,
    ) -> Result<(), StoreError> {
        let checksum = Some(answer.body.checksum());
        if generation.kept_answer == checksum {
            return Ok(());
        }
        let pending = &generation.pending;
        tracing::warn!(
            job.id = pending.job.0,
            error = %answer.failure,
            "the answer to a poll cannot be used; it is stored, and polling continues"
        );
        let kept = KeptAnswer {
            job: pending.job,
            attempt: pending.attempt,
            raw: packed(&answer.body),
            reason: answer.failure.message.clone(),
            received_at: self.journal.now(),
        };
        let keep = || self.journal.store.keep_answer(kept.clone());
        self.journal.retrying(keep).await?;
        generation.kept_answer = checksum;
        Ok(())
    }

    async fn store_result(
        &self,
        generation: PolledGeneration,
        completed: Completed,
    ) -> Result<PollOutcome, StoreError> {
        let latency = generation.latency_bounds(self.clocks().steady);
        let pending = generation.pending;
        let new = NewResult {
            job: pending.job,
            attempt: pending.attempt,
            name: &pending.relative,
            model: &pending.model,
            completed,
            charged_usd: generation.usd_spent,
            hash: None,
        };
        let stored = self.lane.receive(&self.journal, &self.results, new).await?;
        if !stored {
            return Ok(PollOutcome::Finished);
        }
        self.lane.record_result();
        if self.lane.admission.is_held(HoldKind::LostResults) {
            self.journal.release(HoldKind::LostResults).await;
        }
        // A duplicate may be waiting for this result.
        self.journal.signals.wake_submit.notify_one();
        Ok(PollOutcome::Completed { pending, latency })
    }

    async fn end_without_result(
        &self,
        generation: PolledGeneration,
        change: JobChange,
        reply: Result<PollStatus, CallError>,
    ) -> Result<PollOutcome, StoreError> {
        let hold = self.begin_hold_if_lost(&generation, change);
        let PendingJob {
            job,
            attempt,
            relative,
            ..
        } = generation.pending;
        let failure = match reply {
            Ok(PollStatus::Failed(failure)) => Some(failure),
            Ok(PollStatus::Unusable(answer)) => Some(stored(answer.failure)),
            Err(error) => Some(error.failure),
            Ok(_) => None,
        };
        let now = self.journal.now();
        if let Some(ended) = FailedAttempt::of(change, job, attempt, failure, now) {
            if ended.outcome.is_free() && self.lane.spend.refund_attempt(attempt, now) {
                self.journal.release(HoldKind::Budget).await;
            }
            self.journal.end_attempt(ended, relative).await?;
        }
        if let Some(hold) = hold {
            self.journal.store_hold(hold).await;
        }
        Ok(PollOutcome::Finished)
    }

    /// Holds submissions if this is one of several paid generations lost in a row.
    ///
    /// A generation that was polled too late says nothing about the service: the machine was suspended, or off.
    fn begin_hold_if_lost(
        &self,
        generation: &PolledGeneration,
        change: JobChange,
    ) -> Option<BegunHold> {
        let retention = self.lane.rules.polling.retention;
        let clocks = self.clocks();
        let age = clocks.steady.since(generation.accepted_at);
        let age_by_system_clock = clocks.now.since(generation.pending.accepted_at);
        let reason = change.lost()?;
        if reason == Reason::Expired && age.max(age_by_system_clock) >= retention {
            return None;
        }
        let lost = self.lane.record_loss(generation.gap())?;
        let message = format!(
            "{lost} paid transcriptions in a row did not come back; the last one: {}: {}",
            readable_path(&generation.pending.relative),
            reason.failure(None).message,
        );
        let hold = Hold::new(HoldKind::LostResults, clocks.now, message);
        Some(self.journal.begin_hold(hold))
    }
}

const fn answer_of(status: &PollStatus) -> Answer {
    match status {
        PollStatus::InProgress => Answer::InProgress,
        PollStatus::Completed(_) => Answer::Completed,
        PollStatus::WithoutResult(_) => Answer::WithoutResult,
        PollStatus::Unusable(_) => Answer::Unusable,
        PollStatus::Failed(_) => Answer::TranscriptionFailed,
    }
}

/// Returns the failure of a job whose last answer could not be used.
fn stored(failure: Failure) -> Failure {
    let message = format!("{}; the answer is stored", failure.message);
    Failure::new(failure.class, message)
}

fn warn_if_unreadable(generation: &PolledGeneration, reply: &Result<PollStatus, CallError>) {
    if let Err(error) = reply
        && matches!(error.answer(), Answer::Unreadable | Answer::Refused)
    {
        tracing::warn!(
            job.id = generation.pending.job.0,
            error = %error.failure,
            "the answer to a poll cannot be read; polling again"
        );
    }
}
