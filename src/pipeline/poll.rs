//! Service → result in the database, before its hour is over. What is pending sits in memory by due time; the database
//! hears of a poll only when something changed.

use super::clock::{LOOK_AGAIN, sleep_until};
use super::context::Context;
use super::event::Event;
use super::schedule::{Generation, Schedule};
use super::sending::completion;
use crate::api::{CallError, CallErrorKind, Completed, Polled};
use crate::crash;
use crate::domain::{AttemptId, ErrorClass, Failure, Hold, HoldKind, Timestamp};
use crate::policy::expectation::ServiceTimes;
use crate::policy::verdict::{Cause, Verdict, verdict};
use crate::store::StoreError;
use crate::store::progress::{Ending, Next, Setback};
use crate::store::queue::Pending;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Polls under way at once.
const AT_ONCE: usize = 64;

/// What became of a poll.
enum Outcome {
    /// Ask again in its time.
    Unfinished(Generation),
    /// Ask again at this time.
    Again(Generation, Timestamp),
    /// Nothing more to ask; the answer came between these times after its acceptance, where that is known.
    Answered {
        pending: Pending,
        taken: Option<(Duration, Duration)>,
    },
    /// Nothing more to ask.
    Over,
}

/// Polls until the run stops, then waits for the polls under way. Generations come from the store at the start, then
/// through `accepted`; `reload` says that somebody else changed what is pending.
///
/// # Errors
/// If the database fails for good.
pub async fn poll_all(
    context: Arc<Context>,
    mut accepted: mpsc::UnboundedReceiver<Pending>,
    mut reload: mpsc::Receiver<()>,
) -> Result<(), StoreError> {
    let mut schedule = Schedule::default();
    let mut times = ServiceTimes::default();
    let mut synchronized_at = Timestamp::from_millis(i64::MIN);
    let mut under_way: JoinSet<Result<(AttemptId, Outcome), StoreError>> = JoinSet::new();
    for pending in context.store.pending().await? {
        schedule.insert(Generation::resumed(pending), context.now());
    }
    loop {
        let now = context.now();
        schedule.ripen(now);
        context.gate.polling(schedule.len(), schedule.oldest_due());
        let opens_at = context.gate.opens_at();
        let can_poll = under_way.len() < AT_ONCE && schedule.ripe() > 0;
        // Looking again before that is how a clock that was set back is noticed.
        let next = schedule
            .next_due()
            .unwrap_or(Timestamp::MAX)
            .min(now.after(LOOK_AGAIN));
        tokio::select! {
            biased;
            () = context.stop.cancelled() => break,
            Some(ended) = under_way.join_next() => conclude(&context, &mut schedule, &mut times, ended)?,
            Some(pending) = accepted.recv() => {
                let expected = times.expected(&pending.model, pending.duration_s);
                let first = context.polling().first(pending.accepted_at, expected);
                // It may have been cancelled before it came here, when nothing of it was known yet.
                let is_older = pending.accepted_at <= synchronized_at;
                if !schedule.knows(pending.attempt) {
                    schedule.insert(Generation::new(pending, expected.is_some()), first);
                }
                if is_older {
                    synchronized_at = synchronize(&context, &mut schedule).await?;
                }
            }
            Some(()) = reload.recv() => synchronized_at = synchronize(&context, &mut schedule).await?,
            () = token(&context, opens_at), if can_poll => {
                if let Some(generation) = schedule.take_nearest_expiry() {
                    let context = context.clone();
                    under_way.spawn(async move { poll_one(&context, generation).await });
                }
            }
            () = sleep_until(&*context.clock, next), if next > now => {}
        }
    }
    while let Some(ended) = under_way.join_next().await {
        conclude(&context, &mut schedule, &mut times, ended)?;
    }
    Ok(())
}

async fn token(context: &Context, opens_at: Timestamp) {
    sleep_until(&*context.clock, opens_at).await;
    context.poll_pace.ready().await;
}

type Ended = Result<Result<(AttemptId, Outcome), StoreError>, tokio::task::JoinError>;

fn conclude(
    context: &Context,
    schedule: &mut Schedule,
    times: &mut ServiceTimes,
    ended: Ended,
) -> Result<(), StoreError> {
    let (attempt, outcome) = match ended {
        Ok(ended) => ended?,
        Err(panic) => {
            // It stays pending in the database; a reload or the next start takes it up again.
            tracing::error!(error = %panic, "a poll failed inside");
            return Ok(());
        }
    };
    let is_kept = schedule.returned(attempt);
    match outcome {
        Outcome::Unfinished(generation) if is_kept => {
            let turn = context.poll_pace.time_for(schedule.ripe());
            let (generation, due) = planned(context, times, turn, generation);
            schedule.insert(generation, due);
        }
        Outcome::Again(generation, due) if is_kept => schedule.insert(generation, due),
        Outcome::Answered { pending, taken } => {
            if let Some(taken) = taken {
                times.learn(&pending.model, pending.duration_s, taken, context.now());
            }
        }
        // Cancelled while it was asked for, or nothing more to ask.
        Outcome::Unfinished(_) | Outcome::Again(..) | Outcome::Over => {}
    }
    context.gate.polling(schedule.len(), schedule.oldest_due());
    context.progressed();
    Ok(())
}

/// When a generation that is unfinished is asked for again. What was accepted before it was known how long answers take
/// is planned by that as soon as it is known.
fn planned(
    context: &Context,
    times: &ServiceTimes,
    turn: Duration,
    mut generation: Generation,
) -> (Generation, Timestamp) {
    let (now, polling) = (context.now(), context.polling());
    let pending = &generation.pending;
    if !generation.expected
        && let Some(expected) = times.expected(&pending.model, pending.duration_s)
    {
        generation.expected = true;
        let first = polling.first(pending.accepted_at, Some(expected));
        if first > now {
            return (generation, first);
        }
    }
    let (polls, waited) = (generation.polls, generation.waited(now));
    let due = polling.next(now, polls, waited, turn, generation.pending.expires_at);
    (generation, due)
}

/// Takes over what the database says is pending: cancelled generations are no longer polled. Says when.
async fn synchronize(context: &Context, schedule: &mut Schedule) -> Result<Timestamp, StoreError> {
    let pending: HashMap<_, _> = context
        .store
        .pending()
        .await?
        .into_iter()
        .map(|pending| (pending.attempt, pending))
        .collect();
    schedule.retain(|attempt| pending.contains_key(&attempt));
    for (attempt, pending) in pending {
        if !schedule.knows(attempt) {
            schedule.insert(Generation::resumed(pending), context.now());
        }
    }
    Ok(context.now())
}

async fn poll_one(
    context: &Context,
    mut generation: Generation,
) -> Result<(AttemptId, Outcome), StoreError> {
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
    let answer = crash::around("pipeline.poll.request", request).await;
    let poll = Poll {
        context,
        generation,
        began,
    };
    let outcome = match answer {
        Ok(polled) => poll.answered(polled).await?,
        Err(error) => poll.failed(error).await?,
    };
    Ok((attempt, outcome))
}

/// A poll whose answer came, or did not.
struct Poll<'a> {
    context: &'a Context,
    generation: Generation,
    began: Timestamp,
}

impl Poll<'_> {
    async fn answered(self, polled: Polled) -> Result<Outcome, StoreError> {
        self.context.gate.succeeded();
        self.context.tally.refused_polls.store(0, Ordering::Relaxed);
        match polled {
            Polled::InProgress => self.unfinished().await,
            Polled::Completed(completed) => self.completed(completed).await,
            Polled::Failed(failure) => self.ended_without(Ending::Refused, failure).await,
        }
    }

    async fn completed(self, completed: Completed) -> Result<Outcome, StoreError> {
        let (context, now) = (self.context, self.context.now());
        let taken = self.generation.taken(now);
        let pending = self.generation.pending;
        let completion = completion(pending.job, pending.attempt, &completed, None, now);
        if context
            .persist(pending.job, || context.store.complete(completion.clone()))
            .await?
            .is_none()
        {
            return Ok(Outcome::Over);
        }
        context.notice(&Event::Received {
            job: pending.job,
            name: pending.relative.clone(),
            audio_s: completion.duration_s,
        });
        context.fresh.keep(pending.job, now, completed);
        context.to_save.notify_one();
        // A job with equal content may wait for this one.
        context.to_submit.notify_one();
        Ok(Outcome::Answered { pending, taken })
    }

    async fn unfinished(self) -> Result<Outcome, StoreError> {
        let polling = self.context.polling();
        if self.context.now() >= polling.deadline(self.generation.pending.expires_at) {
            let message = "the service still works on it, long after it should have ended";
            return self.lost(Failure::new(ErrorClass::Expired, message)).await;
        }
        let seen = Some(self.began);
        Ok(self.again(seen))
    }

    /// Asks again in its time; `unfinished_at` is when it was seen unfinished, if it was.
    fn again(self, unfinished_at: Option<Timestamp>) -> Outcome {
        Outcome::Unfinished(Generation {
            unfinished_at,
            ..self.generation
        })
    }

    async fn failed(self, error: CallError) -> Result<Outcome, StoreError> {
        let (context, now) = (self.context, self.context.now());
        let polling = context.polling();
        match error.kind {
            CallErrorKind::Missing
                if polling.in_grace(now, self.generation.pending.accepted_at) =>
            {
                self.unfinished().await
            }
            CallErrorKind::Missing => {
                let message = "the service does not have the transcription any more";
                self.lost(Failure::new(ErrorClass::Expired, message)).await
            }
            CallErrorKind::Auth => self.refused(HoldKind::Auth, &error).await,
            CallErrorKind::Credit => self.refused(HoldKind::Credit, &error).await,
            CallErrorKind::RateLimited | CallErrorKind::Unavailable | CallErrorKind::Unknown => {
                let due = context.slow_down(self.began, self.generation.pending.job, &error);
                let generation = Generation {
                    unfinished_at: None,
                    ..self.generation
                };
                Ok(Outcome::Again(generation, due))
            }
            _ if now >= polling.deadline(self.generation.pending.expires_at) => {
                self.given_up(error.failure).await
            }
            _ => {
                tracing::warn!(job.id = self.generation.pending.job.0, error = %error.failure, "an answer could not be read; asking again");
                self.unfinished().await
            }
        }
    }

    /// The key or the account is refused: submissions are held, and the generation is asked for again, however
    /// late it is: nothing was said of it.
    async fn refused(self, kind: HoldKind, error: &CallError) -> Result<Outcome, StoreError> {
        self.context
            .tally
            .refused_polls
            .fetch_add(1, Ordering::Relaxed);
        let message = error.failure.message.clone();
        let hold = Hold::new(kind, self.context.now(), message);
        self.context.hold(hold).await;
        Ok(self.again(None))
    }

    /// It was accepted, and perhaps paid, and its transcript is gone.
    async fn lost(self, failure: Failure) -> Result<Outcome, StoreError> {
        self.ended_without(Ending::Lost, failure).await
    }

    /// There is no transcript: submitted again, within the attempts.
    async fn ended_without(self, ending: Ending, failure: Failure) -> Result<Outcome, StoreError> {
        let context = self.context;
        let (now, attempts) = (context.now(), self.generation.pending.attempts);
        let next = match verdict(
            Cause::Lost,
            attempts,
            context.config.retry.max_attempts,
            false,
        ) {
            Verdict::Fail => Next::Failed,
            _ => {
                let wait = context.backoff().delay(attempts, context.jitter());
                Next::Queued {
                    due: now.after(wait),
                    spent: true,
                }
            }
        };
        self.set_back(ending, next, failure).await
    }

    /// The answers cannot be read: to pay again for the same would be unwise.
    async fn given_up(self, failure: Failure) -> Result<Outcome, StoreError> {
        self.set_back(Ending::Lost, Next::Failed, failure).await
    }

    async fn set_back(
        self,
        ending: Ending,
        next: Next,
        failure: Failure,
    ) -> Result<Outcome, StoreError> {
        let (context, pending) = (self.context, self.generation.pending);
        let (job, name) = (pending.job, pending.relative);
        let setback = Setback {
            job,
            attempt: pending.attempt,
            ending,
            next,
            failure: failure.clone(),
            http_status: None,
            request_id: None,
            now: context.now(),
        };
        if context
            .persist(job, || context.store.set_back(setback.clone()))
            .await?
            .is_some()
        {
            match next {
                Next::Queued { due, .. } => context.notice(&Event::PutBack {
                    job,
                    name,
                    failure,
                    due,
                }),
                Next::Failed => context.failed(job, name, failure),
            }
            context.to_submit.notify_one();
        }
        Ok(Outcome::Over)
    }
}
