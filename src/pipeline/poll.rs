//! Service → result in the database, before its hour is over. What is pending sits in memory by due time; the database
//! hears of a poll only when something changed.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use super::submit::completion;
use crate::api::{CallError, CallErrorKind, Completed, Polled};
use crate::domain::{ErrorClass, Failure, HoldKind, JobId, Timestamp};
use crate::policy::expectation::ServiceTimes;
use crate::policy::verdict::{Cause, Verdict, verdict};
use crate::store::StoreError;
use crate::store::progress::{Ending, Next, Setback};
use crate::store::queue::Pending;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Polls under way at once.
const AT_ONCE: usize = 64;

/// A generation in hand.
#[derive(Debug, Clone)]
struct Generation {
    pending: Pending,
    polls: u32,
    last_unfinished: Option<Timestamp>,
}

/// What became of a poll.
enum Outcome {
    /// Ask again at this time.
    Again(Generation, Timestamp),
    /// Nothing more to ask; the answer came between these times after its acceptance.
    Answered {
        pending: Pending,
        not_before: Duration,
        not_after: Duration,
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
    let mut under_way: JoinSet<Result<(JobId, Outcome), StoreError>> = JoinSet::new();
    for pending in context.store.pending().await? {
        schedule.insert(
            Generation {
                pending,
                polls: 0,
                last_unfinished: None,
            },
            context.now(),
        );
    }
    loop {
        let now = context.now();
        schedule.ripen(now);
        context.gate.polling(schedule.len(), schedule.oldest_due());
        let opens_at = context.gate.opens_at();
        let can_poll = under_way.len() < AT_ONCE && schedule.has_ripe();
        let next = schedule.next_due().unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            () = context.stop.cancelled() => break,
            Some(ended) = under_way.join_next() => conclude(&context, &mut schedule, &mut times, ended)?,
            Some(pending) = accepted.recv() => {
                let expected = times.expected(&pending.model, pending.duration_s);
                let first = context.polling().first(pending.accepted_at, expected);
                schedule.insert(Generation { pending, polls: 0, last_unfinished: None }, first);
            }
            Some(()) = reload.recv() => synchronize(&context, &mut schedule).await?,
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

type Ended = Result<Result<(JobId, Outcome), StoreError>, tokio::task::JoinError>;

fn conclude(
    context: &Context,
    schedule: &mut Schedule,
    times: &mut ServiceTimes,
    ended: Ended,
) -> Result<(), StoreError> {
    let (job, outcome) = match ended {
        Ok(ended) => ended?,
        Err(panic) => {
            // It stays pending in the database; a reload or the next start takes it up again.
            tracing::error!(error = %panic, "a poll failed inside");
            return Ok(());
        }
    };
    schedule.returned(job);
    match outcome {
        Outcome::Again(generation, due) => schedule.insert(generation, due),
        Outcome::Answered {
            pending,
            not_before,
            not_after,
        } => {
            times.learn(&pending.model, pending.duration_s, not_before, not_after);
        }
        Outcome::Over => {}
    }
    context.gate.polling(schedule.len(), schedule.oldest_due());
    context.progress.notify_one();
    Ok(())
}

/// Takes over what the database says is pending: cancelled generations are no longer polled.
async fn synchronize(context: &Context, schedule: &mut Schedule) -> Result<(), StoreError> {
    let pending: HashMap<_, _> = context
        .store
        .pending()
        .await?
        .into_iter()
        .map(|pending| (pending.job, pending))
        .collect();
    schedule.retain(|job| pending.contains_key(&job));
    for (job, pending) in pending {
        if !schedule.knows(job) {
            schedule.insert(
                Generation {
                    pending,
                    polls: 0,
                    last_unfinished: None,
                },
                context.now(),
            );
        }
    }
    Ok(())
}

async fn poll_one(
    context: &Context,
    mut generation: Generation,
) -> Result<(JobId, Outcome), StoreError> {
    let job = generation.pending.job;
    let began = context.now();
    generation.polls += 1;
    tracing::debug!(
        job.id = job.0,
        remote.id = generation.pending.generation.as_str(),
        poll = generation.polls,
        "polling"
    );
    let answer = context.client.poll(&generation.pending.generation).await;
    let poll = Poll {
        context,
        generation,
        began,
    };
    let outcome = match answer {
        Ok(polled) => poll.answered(polled).await?,
        Err(error) => poll.failed(error).await?,
    };
    Ok((job, outcome))
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
            Polled::Completed(completed) => self.completed(&completed).await,
            Polled::Failed(failure) => self.lost(failure).await,
        }
    }

    async fn completed(self, completed: &Completed) -> Result<Outcome, StoreError> {
        let (context, pending) = (self.context, self.generation.pending);
        let now = context.now();
        let completion = completion(pending.job, pending.attempt, completed, None, now);
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
        });
        context.to_save.notify_one();
        // A job with equal content may wait for this one.
        context.to_submit.notify_one();
        let not_before = self
            .generation
            .last_unfinished
            .map_or(Duration::ZERO, |time| time.since(pending.accepted_at));
        let not_after = now.since(pending.accepted_at);
        Ok(Outcome::Answered {
            pending,
            not_before,
            not_after,
        })
    }

    async fn unfinished(mut self) -> Result<Outcome, StoreError> {
        let now = self.context.now();
        let polling = self.context.polling();
        if now >= polling.deadline(self.generation.pending.expires_at) {
            let message = "the service still works on it, long after it should have ended";
            return self.lost(Failure::new(ErrorClass::Expired, message)).await;
        }
        self.generation.last_unfinished = Some(self.began);
        let due = polling.next(
            now,
            self.generation.polls,
            self.generation.pending.expires_at,
        );
        Ok(Outcome::Again(self.generation, due))
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
                context.slow_down(self.began, self.generation.pending.job, &error);
                let due = context.gate.opens_at().max(now);
                Ok(Outcome::Again(self.generation, due))
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

    /// The key or the account is refused: submissions are held, and the generation is asked for again.
    async fn refused(self, kind: HoldKind, error: &CallError) -> Result<Outcome, StoreError> {
        self.context
            .tally
            .refused_polls
            .fetch_add(1, Ordering::Relaxed);
        self.context.hold(kind, &error.failure.message).await;
        self.unfinished().await
    }

    /// Paid or not, there is no transcript: submitted again, within the attempts.
    async fn lost(self, failure: Failure) -> Result<Outcome, StoreError> {
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
        self.set_back(next, failure).await
    }

    /// The answers cannot be read: to pay again for the same would be unwise.
    async fn given_up(self, failure: Failure) -> Result<Outcome, StoreError> {
        self.set_back(Next::Failed, failure).await
    }

    async fn set_back(self, next: Next, failure: Failure) -> Result<Outcome, StoreError> {
        let (context, pending) = (self.context, self.generation.pending);
        let (job, name) = (pending.job, pending.relative);
        let setback = Setback {
            job,
            attempt: pending.attempt,
            ending: Ending::Lost,
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

/// What is pending, by due time; what is due, by expiry.
#[derive(Default)]
struct Schedule {
    generations: HashMap<JobId, (Generation, Timestamp)>,
    waiting: BTreeSet<(Timestamp, JobId)>,
    ripe: BTreeSet<(Timestamp, JobId)>,
    ripe_by_due: BTreeSet<(Timestamp, JobId)>,
    under_way: HashSet<JobId>,
}

impl Schedule {
    fn insert(&mut self, generation: Generation, due: Timestamp) {
        let job = generation.pending.job;
        self.waiting.insert((due, job));
        self.generations.insert(job, (generation, due));
    }

    fn ripen(&mut self, now: Timestamp) {
        while let Some(&(due, job)) = self.waiting.first().filter(|(due, _)| *due <= now) {
            self.waiting.remove(&(due, job));
            if let Some((generation, _)) = self.generations.get(&job) {
                self.ripe.insert((generation.pending.expires_at, job));
                self.ripe_by_due.insert((due, job));
            }
        }
    }

    fn take_nearest_expiry(&mut self) -> Option<Generation> {
        let (_, job) = self.ripe.pop_first()?;
        let (generation, due) = self.generations.remove(&job)?;
        self.ripe_by_due.remove(&(due, job));
        self.under_way.insert(job);
        Some(generation)
    }

    fn returned(&mut self, job: JobId) {
        self.under_way.remove(&job);
    }

    fn retain(&mut self, keep: impl Fn(JobId) -> bool) {
        self.generations.retain(|&job, _| keep(job));
        for set in [&mut self.waiting, &mut self.ripe, &mut self.ripe_by_due] {
            set.retain(|&(_, job)| keep(job));
        }
    }

    fn knows(&self, job: JobId) -> bool {
        self.generations.contains_key(&job) || self.under_way.contains(&job)
    }

    fn len(&self) -> usize {
        self.generations.len() + self.under_way.len()
    }

    fn has_ripe(&self) -> bool {
        !self.ripe.is_empty()
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|&(due, _)| due)
    }

    fn oldest_due(&self) -> Option<Timestamp> {
        self.ripe_by_due.first().map(|&(due, _)| due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AttemptId, GenerationId};
    use std::path::PathBuf;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn generation(job: i64, expires: i64) -> Generation {
        let pending = Pending {
            job: JobId(job),
            attempt: AttemptId(job),
            generation: GenerationId::new(format!("g{job}")).unwrap(),
            accepted_at: at(0),
            expires_at: at(expires),
            attempts: 1,
            model: "m".to_owned(),
            duration_s: None,
            relative: PathBuf::new(),
        };
        Generation {
            pending,
            polls: 0,
            last_unfinished: None,
        }
    }

    #[test]
    fn of_what_is_due_the_nearest_expiry_comes_first() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.insert(generation(3, 100), at(30));
        schedule.ripen(at(20));
        assert_eq!(schedule.oldest_due(), Some(at(10)));
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(2)
        );
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(1)
        );
        assert!(schedule.take_nearest_expiry().is_none());
        assert_eq!(
            (schedule.next_due(), schedule.oldest_due()),
            (Some(at(30)), None)
        );
    }

    #[test]
    fn what_was_cancelled_is_not_polled_any_more() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.ripen(at(15));
        schedule.retain(|job| job != JobId(1));
        schedule.ripen(at(50));
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(2)
        );
        assert_eq!(
            (schedule.len(), schedule.has_ripe(), schedule.oldest_due()),
            (1, false, None)
        );
    }

    #[test]
    fn a_generation_under_way_is_known_and_counted() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(0));
        schedule.ripen(at(0));
        schedule.take_nearest_expiry();
        assert!(schedule.knows(JobId(1)));
        assert_eq!(schedule.len(), 1);
        schedule.returned(JobId(1));
        assert_eq!(schedule.len(), 0);
    }
}
