//! Polling of pending generations, so that each result is stored before the service deletes it.
//!
//! The schedule is in memory. A poll is written to the database only if it changes the job.

mod answer;
mod loading;
pub mod schedule;

use crate::domain::{AttemptId, Timestamp};
use crate::pipeline::journal::Journal;
use crate::pipeline::lane::Lane;
use crate::pipeline::result_cache::ResultCache;
use crate::policy::backoff::CallKind;
use crate::policy::latency::LatencyEstimator;
use crate::provider::Expected;
use crate::provider::{CallError, PollReply, PollStatus};
use crate::runtime::clock::{Reading, sleep_until};
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use loading::Loading;
use schedule::{PollSchedule, PolledGeneration};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Maximum number of polls in flight that are answered in time. A slower one no longer counts: it must not keep others from
/// being polled.
const MAX_IN_FLIGHT: usize = 64;
/// Time after which a poll in flight counts as slow.
const SLOW_AFTER: Duration = Duration::from_secs(2);

/// The way of accepted generations into the poll stage.
pub type Poller = mpsc::UnboundedSender<PendingJob>;

/// The poll stage and what it shares with others.
pub struct Poll {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Lane to the service.
    pub lane: Arc<Lane>,
    /// Recently received results.
    pub results: Arc<ResultCache>,
}

/// Polls until the run stops, then waits until the answers that have come are stored. Polls without an answer are dropped.
///
/// Pending generations are read from the store at the start and then received through `accepted`. A message on `reload`
/// means that they were changed in the database from outside the run.
///
/// # Errors
/// If the database fails permanently.
pub async fn poll_all(
    stage: Poll,
    mut accepted: mpsc::UnboundedReceiver<PendingJob>,
    mut reload: mpsc::Receiver<()>,
) -> Result<(), StoreError> {
    let stage = Arc::new(stage);
    let mut schedule = PollSchedule::default();
    let mut service_times = LatencyEstimator::default();
    let mut tasks: JoinSet<Result<(AttemptId, PollOutcome), StoreError>> = JoinSet::new();
    let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut loading = Loading::begin(stage.journal.store.clone(), stage.clocks().now);
    loop {
        let now = stage.clocks().steady;
        schedule.advance_to(now);
        report_pending(&stage, &schedule, &loading);
        let opens_at = stage.lane.admission.opens_at(CallKind::Poll);
        let next = schedule
            .next_due()
            .map_or(Duration::MAX, |due| due.since(now));
        tokio::select! {
            biased;
            () = stage.journal.signals.stop.cancelled() => break,
            Some(joined) = tasks.join_next() => {
                finish_task(&stage, &mut schedule, &mut loading, &mut service_times, joined)?;
            }
            Some(pending) = accepted.recv() => {
                let expected = service_times.expected(&pending.model, pending.duration_s);
                let generation = PolledGeneration::new(pending, expected.is_some(), stage.clocks());
                let (polling, pending) = (stage.lane.polling(), &generation.pending);
                let first = polling.first_poll(generation.accepted_at, expected);
                // The last loading may have missed its cancellation, because it was not scheduled yet.
                let is_older = pending.accepted_at <= loading.began_at();
                loading.record_change(pending.attempt);
                if !schedule.contains(pending.attempt) {
                    schedule.insert(generation, first);
                }
                if is_older {
                    loading.request(stage.clocks().now);
                }
            }
            Some(()) = reload.recv() => loading.request(stage.clocks().now),
            slot = next_turn(&stage, &slots, opens_at), if schedule.due_count() > 0 => {
                if let Some(generation) = schedule.take_nearest_expiry() {
                    let stage = stage.clone();
                    tasks.spawn(async move { stage.poll_one(generation, slot).await });
                }
            }
            page = loading.next_page() => loading.apply(page, &mut schedule, stage.clocks())?,
            () = tokio::time::sleep(next), if !next.is_zero() => {}
        }
    }
    while let Some(joined) = tasks.join_next().await {
        finish_task(
            &stage,
            &mut schedule,
            &mut loading,
            &mut service_times,
            joined,
        )?;
    }
    Ok(())
}

/// Waits for a slot, for the end of the back-off, and for a token.
async fn next_turn(
    stage: &Poll,
    slots: &Arc<Semaphore>,
    opens_at: Timestamp,
) -> Option<OwnedSemaphorePermit> {
    // An error would mean that the semaphore is closed, which it never is.
    let slot = slots.clone().acquire_owned().await.ok();
    sleep_until(&*stage.journal.clock, opens_at).await;
    stage.lane.poll_limiter.acquire().await;
    slot
}

impl Poll {
    /// Polls a generation, and applies the answer. `slot` limits the polls in flight.
    async fn poll_one(
        &self,
        mut generation: PolledGeneration,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Result<(AttemptId, PollOutcome), StoreError> {
        let attempt = generation.pending.attempt;
        let started = self.clocks();
        generation.polls += 1;
        tracing::debug!(
            job.id = generation.pending.job.0,
            remote.id = generation.pending.generation.as_str(),
            poll = generation.polls,
            "polling"
        );
        let Some(reply) = self.request(&generation.pending, slot).await else {
            return Ok((attempt, PollOutcome::Finished));
        };
        let usd_spent = reply.as_ref().ok().and_then(|reply| reply.usd_spent);
        generation.usd_spent = usd_spent.or(generation.usd_spent);
        let reply = reply.map(|reply| reply.status);
        if let Ok(PollStatus::Unusable(answer)) = &reply {
            self.keep(&mut generation, answer).await?;
        }
        let outcome = self.answered(generation, started, reply).await?;
        Ok((attempt, outcome))
    }

    /// Returns the answer, or `None` if the run stops before it comes: to drop a poll costs nothing.
    async fn request(
        &self,
        pending: &PendingJob,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Option<Result<PollReply, CallError>> {
        let request = self.lane.client.poll(Expected {
            generation: pending.generation.clone(),
            sha256: pending.sha256.as_deref().map(str::to_owned),
        });
        let mut request = pin!(failpoint::around("pipeline.poll.request", request));
        let stopped = self.journal.signals.stop.cancelled();
        let mut slot = slot;
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                biased;
                reply = &mut request => return Some(reply),
                () = &mut stopped => return None,
                () = tokio::time::sleep(SLOW_AFTER), if slot.is_some() => slot = None,
            }
        }
    }

    fn clocks(&self) -> Reading {
        Reading::of(&*self.journal.clock)
    }
}

/// Outcome of a poll.
enum PollOutcome {
    /// Not finished; poll again at the next scheduled time.
    Unfinished(PolledGeneration),
    /// Poll again at this time of the steady clock.
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

type JoinedTask = Result<Result<(AttemptId, PollOutcome), StoreError>, tokio::task::JoinError>;

fn finish_task(
    stage: &Poll,
    schedule: &mut PollSchedule,
    loading: &mut Loading,
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
            let turn = stage.lane.poll_limiter.time_for(schedule.due_count());
            let (generation, due) = reschedule(stage, service_times, turn, generation);
            schedule.insert(generation, due);
        }
        PollOutcome::RetryAt(generation, due) if is_wanted => schedule.insert(generation, due),
        PollOutcome::Completed { pending, latency } => {
            loading.record_change(attempt);
            if let Some(latency) = latency {
                service_times.record(
                    &pending.model,
                    pending.duration_s,
                    latency,
                    stage.clocks().steady,
                );
            }
        }
        // Cancelled while the poll was in flight, or finished.
        PollOutcome::Unfinished(_) | PollOutcome::RetryAt(..) | PollOutcome::Finished => {
            loading.record_change(attempt);
        }
    }
    report_pending(stage, schedule, loading);
    stage.journal.notify_progress();
    Ok(())
}

/// Returns when an unfinished generation is polled again.
///
/// A generation that was accepted before the expected latency was known is rescheduled by it once it is known.
fn reschedule(
    stage: &Poll,
    service_times: &LatencyEstimator,
    turn: Duration,
    mut generation: PolledGeneration,
) -> (PolledGeneration, Timestamp) {
    let (now, polling) = (stage.clocks().steady, stage.lane.polling());
    let pending = &generation.pending;
    if !generation.has_expected_latency
        && let Some(expected) = service_times.expected(&pending.model, pending.duration_s)
    {
        generation.has_expected_latency = true;
        let first = polling.first_poll(generation.accepted_at, Some(expected));
        if first > now {
            return (generation, first);
        }
    }
    let (polls, waited) = (generation.polls, generation.waited(now));
    let due = polling.next_poll(now, polls, waited, turn, generation.expires_at);
    (generation, due)
}

/// Tells admission how many generations are pending, and since when the most overdue poll is due. While they are loaded,
/// the count does not fall.
fn report_pending(stage: &Poll, schedule: &PollSchedule, loading: &Loading) {
    let clocks = stage.clocks();
    let oldest_due = schedule.oldest_due().map(|due| clocks.to_system(due));
    let admission = &stage.lane.admission;
    let pending = match loading.is_active() {
        true => schedule.len().max(admission.pending()),
        false => schedule.len(),
    };
    admission.update_pending(pending, oldest_due);
}
