//! Polling of pending generations, so that each result is stored before the service deletes it.
//!
//! The schedule is in memory. A poll is written to the database only if it changes the job.

pub mod schedule;
use crate::domain::{AttemptId, ErrorClass, Failure, Hold, HoldKind, Timestamp};
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::pipeline::stages::poll::schedule::{PollSchedule, PolledGeneration};
use crate::pipeline::stages::submit::outcome::completion;
use crate::policy::latency::LatencyEstimator;
use crate::policy::retry::{Cause, Verdict, verdict};
use crate::provider::{CallError, CallErrorKind, Completed, PollStatus};
use crate::runtime::clock::{CLOCK_CHECK_INTERVAL, sleep_until};
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use crate::store::sqlite::transitions::{AttemptOutcome, FailedAttempt, NextState};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Maximum number of polls in flight.
const MAX_IN_FLIGHT: usize = 64;

/// Outcome of a poll.
enum PollOutcome {
    /// Not finished; poll again at the next scheduled time.
    Unfinished(PolledGeneration),
    /// Poll again at this time.
    RetryAt(PolledGeneration, Timestamp),
    /// The result is stored. `latency` is the lower and upper bound of the time from acceptance to the answer, if
    /// known.
    Completed {
        pending: PendingJob,
        latency: Option<(Duration, Duration)>,
    },
    /// Finished without a result, or changed elsewhere.
    Finished,
}

/// Polls until the run stops, then waits for the polls in flight.
///
/// Pending generations are read from the store at the start and then received through `accepted`. A message on `reload`
/// means that they were changed in the database from outside the run.
///
/// # Errors
/// If the database fails permanently.
pub async fn poll_all(
    context: Arc<Context>,
    mut accepted: mpsc::UnboundedReceiver<PendingJob>,
    mut reload: mpsc::Receiver<()>,
) -> Result<(), StoreError> {
    let mut schedule = PollSchedule::default();
    let mut service_times = LatencyEstimator::default();
    let mut synchronized_at = Timestamp::from_millis(i64::MIN);
    let mut tasks: JoinSet<Result<(AttemptId, PollOutcome), StoreError>> = JoinSet::new();
    for pending in context.store.pending().await? {
        schedule.insert(PolledGeneration::resumed(pending), context.now());
    }
    loop {
        let now = context.now();
        schedule.advance_to(now);
        context
            .gate
            .update_pending(schedule.len(), schedule.oldest_due());
        let opens_at = context.gate.opens_at();
        let can_poll = tasks.len() < MAX_IN_FLIGHT && schedule.due_count() > 0;
        // Waking up at least this often detects a clock that was set back.
        let next = schedule
            .next_due()
            .unwrap_or(Timestamp::MAX)
            .min(now.after(CLOCK_CHECK_INTERVAL));
        tokio::select! {
            biased;
            () = context.stop.cancelled() => break,
            Some(joined) = tasks.join_next() => finish_task(&context, &mut schedule, &mut service_times, joined)?,
            Some(pending) = accepted.recv() => {
                let expected = service_times.expected(&pending.model, pending.duration_s);
                let first = context.polling().first_poll(pending.accepted_at, expected);
                // The last synchronization may have missed its cancellation, because it was not scheduled yet.
                let is_older = pending.accepted_at <= synchronized_at;
                if !schedule.contains(pending.attempt) {
                    schedule.insert(PolledGeneration::new(pending, expected.is_some()), first);
                }
                if is_older {
                    synchronized_at = synchronize(&context, &mut schedule).await?;
                }
            }
            Some(()) = reload.recv() => synchronized_at = synchronize(&context, &mut schedule).await?,
            () = next_token(&context, opens_at), if can_poll => {
                if let Some(generation) = schedule.take_nearest_expiry() {
                    let context = context.clone();
                    tasks.spawn(async move { poll_one(&context, generation).await });
                }
            }
            () = sleep_until(&*context.clock, next), if next > now => {}
        }
    }
    while let Some(joined) = tasks.join_next().await {
        finish_task(&context, &mut schedule, &mut service_times, joined)?;
    }
    Ok(())
}

async fn next_token(context: &Context, opens_at: Timestamp) {
    sleep_until(&*context.clock, opens_at).await;
    context.poll_pace.acquire().await;
}

type JoinedTask = Result<Result<(AttemptId, PollOutcome), StoreError>, tokio::task::JoinError>;

fn finish_task(
    context: &Context,
    schedule: &mut PollSchedule,
    service_times: &mut LatencyEstimator,
    joined: JoinedTask,
) -> Result<(), StoreError> {
    let (attempt, outcome) = match joined {
        Ok(joined) => joined?,
        Err(panic) => {
            // The job stays pending in the database. A reload or the next start schedules it again.
            tracing::error!(error = %panic, "poll task panicked");
            return Ok(());
        }
    };
    let is_wanted = schedule.finish(attempt);
    match outcome {
        PollOutcome::Unfinished(generation) if is_wanted => {
            let turn = context.poll_pace.time_for(schedule.due_count());
            let (generation, due) = reschedule(context, service_times, turn, generation);
            schedule.insert(generation, due);
        }
        PollOutcome::RetryAt(generation, due) if is_wanted => schedule.insert(generation, due),
        PollOutcome::Completed { pending, latency } => {
            if let Some(latency) = latency {
                service_times.record(&pending.model, pending.duration_s, latency, context.now());
            }
        }
        // Cancelled while the poll was in flight, or finished.
        PollOutcome::Unfinished(_) | PollOutcome::RetryAt(..) | PollOutcome::Finished => {}
    }
    context
        .gate
        .update_pending(schedule.len(), schedule.oldest_due());
    context.progressed();
    Ok(())
}

/// Returns when an unfinished generation is polled again.
///
/// A generation that was accepted before the expected latency was known is rescheduled by it once it is known.
fn reschedule(
    context: &Context,
    service_times: &LatencyEstimator,
    turn: Duration,
    mut generation: PolledGeneration,
) -> (PolledGeneration, Timestamp) {
    let (now, polling) = (context.now(), context.polling());
    let pending = &generation.pending;
    if !generation.has_expected_latency
        && let Some(expected) = service_times.expected(&pending.model, pending.duration_s)
    {
        generation.has_expected_latency = true;
        let first = polling.first_poll(pending.accepted_at, Some(expected));
        if first > now {
            return (generation, first);
        }
    }
    let (polls, waited) = (generation.polls, generation.waited(now));
    let due = polling.next_poll(now, polls, waited, turn, generation.pending.expires_at);
    (generation, due)
}

/// Replaces the schedule by the pending generations in the database, so that cancelled ones are no longer polled.
/// Returns the time of the synchronization.
async fn synchronize(
    context: &Context,
    schedule: &mut PollSchedule,
) -> Result<Timestamp, StoreError> {
    let pending: HashMap<_, _> = context
        .store
        .pending()
        .await?
        .into_iter()
        .map(|pending| (pending.attempt, pending))
        .collect();
    schedule.retain(|attempt| pending.contains_key(&attempt));
    for (attempt, pending) in pending {
        if !schedule.contains(attempt) {
            schedule.insert(PolledGeneration::resumed(pending), context.now());
        }
    }
    Ok(context.now())
}

async fn poll_one(
    context: &Context,
    mut generation: PolledGeneration,
) -> Result<(AttemptId, PollOutcome), StoreError> {
    let attempt = generation.pending.attempt;
    let began = context.now();
    generation.polls += 1;
    tracing::debug!(
        job.id = generation.pending.job.0,
        remote.id = generation.pending.generation.as_str(),
        poll = generation.polls,
        "polling"
    );
    let request = context.client.poll(&generation.pending.generation);
    let answer = failpoint::around("pipeline.poll.request", request).await;
    let poll = FinishedPoll {
        context,
        generation,
        began,
    };
    let outcome = match answer {
        Ok(polled) => poll.handle_answer(polled).await?,
        Err(error) => poll.handle_error(error).await?,
    };
    Ok((attempt, outcome))
}

/// A poll that got an answer or an error.
struct FinishedPoll<'a> {
    context: &'a Context,
    generation: PolledGeneration,
    began: Timestamp,
}

impl FinishedPoll<'_> {
    async fn handle_answer(self, polled: PollStatus) -> Result<PollOutcome, StoreError> {
        self.context.gate.record_success();
        self.context.tally.refused_polls.store(0, Ordering::Relaxed);
        match polled {
            PollStatus::InProgress => self.wait_for_result().await,
            PollStatus::Completed(completed) => self.store_result(completed).await,
            PollStatus::Failed(failure) => {
                self.retry_or_fail(AttemptOutcome::Refused, failure).await
            }
        }
    }

    async fn store_result(self, completed: Completed) -> Result<PollOutcome, StoreError> {
        let (context, now) = (self.context, self.context.now());
        let latency = self.generation.latency_bounds(now);
        let pending = self.generation.pending;
        let completion = completion(pending.job, pending.attempt, &completed, None, now);
        if context
            .persist(pending.job, || context.store.complete(completion.clone()))
            .await?
            .is_none()
        {
            return Ok(PollOutcome::Finished);
        }
        context.notice(&RunEvent::Received {
            job: pending.job,
            name: pending.relative.clone(),
            audio_s: completion.duration_s,
        });
        context.fresh.insert(pending.job, now, completed);
        context.to_save.notify_one();
        // A duplicate may be waiting for this result.
        context.to_submit.notify_one();
        Ok(PollOutcome::Completed { pending, latency })
    }

    /// Polls again, unless the deadline has passed.
    async fn wait_for_result(self) -> Result<PollOutcome, StoreError> {
        let polling = self.context.polling();
        if self.context.now() >= polling.deadline(self.generation.pending.expires_at) {
            let message = "the service is still working on it long after it should have finished";
            return self.lost(Failure::new(ErrorClass::Expired, message)).await;
        }
        let unfinished_at = Some(self.began);
        Ok(self.poll_again(unfinished_at))
    }

    /// Polls again at the next scheduled time. `unfinished_at` is the start of this poll if it found the generation
    /// unfinished.
    fn poll_again(self, unfinished_at: Option<Timestamp>) -> PollOutcome {
        PollOutcome::Unfinished(PolledGeneration {
            last_unfinished_at: unfinished_at,
            ..self.generation
        })
    }

    async fn handle_error(self, error: CallError) -> Result<PollOutcome, StoreError> {
        let (context, now) = (self.context, self.context.now());
        let polling = context.polling();
        match error.kind {
            CallErrorKind::Missing
                if polling.in_grace_period(now, self.generation.pending.accepted_at) =>
            {
                self.wait_for_result().await
            }
            CallErrorKind::Missing => {
                let message = "the service no longer has the transcription";
                self.lost(Failure::new(ErrorClass::Expired, message)).await
            }
            CallErrorKind::Auth => self.hold_and_retry(HoldKind::Auth, &error).await,
            CallErrorKind::Credit => self.hold_and_retry(HoldKind::Credit, &error).await,
            CallErrorKind::RateLimited | CallErrorKind::Unavailable | CallErrorKind::Unknown => {
                let due = context.slow_down(self.began, self.generation.pending.job, &error);
                let generation = PolledGeneration {
                    last_unfinished_at: None,
                    ..self.generation
                };
                Ok(PollOutcome::RetryAt(generation, due))
            }
            _ if now >= polling.deadline(self.generation.pending.expires_at) => {
                self.give_up(error.failure).await
            }
            _ => {
                tracing::warn!(job.id = self.generation.pending.job.0, error = %error.failure, "unreadable poll response; polling again");
                self.wait_for_result().await
            }
        }
    }

    /// Holds submissions because the service refuses the key or the account. The generation is polled again even after
    /// its deadline, because the answer says nothing about it.
    async fn hold_and_retry(
        self,
        kind: HoldKind,
        error: &CallError,
    ) -> Result<PollOutcome, StoreError> {
        self.context
            .tally
            .refused_polls
            .fetch_add(1, Ordering::Relaxed);
        let message = error.failure.message.clone();
        let hold = Hold::new(kind, self.context.now(), message);
        self.context.hold(hold).await;
        Ok(self.poll_again(None))
    }

    /// Handles a generation that was accepted, and possibly billed, but has no transcript any more.
    async fn lost(self, failure: Failure) -> Result<PollOutcome, StoreError> {
        self.retry_or_fail(AttemptOutcome::Lost, failure).await
    }

    /// Requeues a job without a transcript, or fails it if its attempts are spent.
    async fn retry_or_fail(
        self,
        ending: AttemptOutcome,
        failure: Failure,
    ) -> Result<PollOutcome, StoreError> {
        let context = self.context;
        let (now, attempts) = (context.now(), self.generation.pending.attempts);
        let next = match verdict(
            Cause::Lost,
            attempts,
            context.config.retry.max_attempts,
            false,
        ) {
            Verdict::Fail => NextState::Failed,
            _ => {
                let wait = context.backoff().delay(attempts, context.jitter());
                NextState::Queued {
                    due: now.after(wait),
                    spent: true,
                }
            }
        };
        self.fail_attempt(ending, next, failure).await
    }

    /// Fails a job whose answers cannot be read. A new submission would be billed and probably end the same way.
    async fn give_up(self, failure: Failure) -> Result<PollOutcome, StoreError> {
        self.fail_attempt(AttemptOutcome::Lost, NextState::Failed, failure)
            .await
    }

    /// Ends the attempt without a result, and requeues or fails the job.
    async fn fail_attempt(
        self,
        ending: AttemptOutcome,
        next: NextState,
        failure: Failure,
    ) -> Result<PollOutcome, StoreError> {
        let (context, pending) = (self.context, self.generation.pending);
        let (job, name) = (pending.job, pending.relative);
        let setback = FailedAttempt {
            job,
            attempt: pending.attempt,
            outcome: ending,
            next_state: next,
            failure: failure.clone(),
            http_status: None,
            request_id: None,
            now: context.now(),
        };
        if context
            .persist(job, || context.store.fail_attempt(setback.clone()))
            .await?
            .is_some()
        {
            match next {
                NextState::Queued { due, .. } => context.notice(&RunEvent::Requeued {
                    job,
                    name,
                    failure,
                    due,
                }),
                NextState::Failed => context.failed(job, name, failure),
            }
            context.to_submit.notify_one();
        }
        Ok(PollOutcome::Finished)
    }
}
