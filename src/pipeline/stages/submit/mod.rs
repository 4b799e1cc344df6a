//! Submission of queued recordings to the service, within the configured limits.
//!
//! One recording takes these steps, in this order:
//!
//! - `submission`: all steps of one recording
//! - [`preflight`]: checks of the recording before it is sent; `file_check`: those that read the file
//! - `exclusion`: the limits of its source, and an earlier payment
//! - `sound_track`: the sound track of a video, which is sent in its place
//! - `charge`: admission and the charge to the budget, in the order of the queue (`charge_order`)
//! - `upload`: the request
//! - `answer`: what the answer means for the job
//!
//! A job that ends or waits before anything is sent leaves these steps through `unsent`.

mod answer;
mod charge;
mod charge_order;
mod exclusion;
mod file_check;
pub mod preflight;
mod sound_track;
mod submission;
mod unsent;
mod upload;

use super::compare::Comparer;
use super::poll::Poller;
use crate::config::Config;
use crate::domain::{JobId, Timestamp};
use crate::pipeline::ages::Ages;
use crate::pipeline::archive::importer::Importer;
use crate::pipeline::journal::Journal;
use crate::pipeline::lane::Lane;
use crate::pipeline::lengths::Lengths;
use crate::pipeline::reach::Reach;
use crate::pipeline::result_cache::ResultCache;
use crate::pipeline::sound_copies::SoundCopies;
use crate::runtime::clock::sleep_until;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use charge_order::{ChargeOrder, ChargeTurn};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Maximum number of candidates fetched from the queue per query.
const BATCH: usize = 64;

/// The submit stage and what it shares with others.
pub struct Submit {
    /// Configuration.
    pub config: Arc<Config>,
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Lane to the service.
    pub lane: Arc<Lane>,
    /// Sources that may be submitted from.
    pub reach: Arc<Reach>,
    /// Import of transcripts on disk that the queue does not know.
    pub importer: Arc<Importer>,
    /// The compare stage, which decides whether a source looks paid for.
    pub comparer: Comparer,
    /// Recently received results.
    pub results: Arc<ResultCache>,
    /// The poll stage, which takes accepted generations.
    pub poller: Poller,
    /// Ages of the uncertain submissions.
    pub ages: Arc<Ages>,
    /// Limit of concurrent preflight checks.
    pub preflight_slots: Semaphore,
    /// Lengths that only ffprobe can tell.
    pub lengths: Lengths,
    /// Copies of the sound tracks of videos.
    pub sound_copies: SoundCopies,
}

/// Submits due recordings until the run stops, then waits for the in-flight ones. Sends accepted generations to
/// the poll stage.
///
/// # Errors
/// If the database fails permanently.
pub async fn submit_all(stage: Submit) -> Result<(), StoreError> {
    let stage = Arc::new(stage);
    let upload_slots = Arc::new(Semaphore::new(stage.config.limits.max_uploads));
    let max_tasks = 2 * stage.config.limits.max_uploads;
    let mut tasks = JoinSet::new();
    let mut in_flight = HashSet::new();
    let mut candidates = VecDeque::new();
    let charge_order = stage
        .lane
        .spend
        .is_capped()
        .then(Arc::<ChargeOrder>::default);
    loop {
        while let Some(joined) = tasks.try_join_next() {
            finish_task(&mut in_flight, joined)?;
        }
        // A task that has released its upload slot still holds memory while it stores its answer.
        if tasks.len() >= max_tasks
            && let Some(joined) = tasks.join_next().await
        {
            finish_task(&mut in_flight, joined)?;
        }
        let upload_slot = tokio::select! {
            () = stage.journal.signals.stop.cancelled() => break,
            upload_slot = upload_slots.clone().acquire_owned() => upload_slot.map_err(|_| StoreError::Closed)?,
        };
        // `candidates` and `next_due` must use the same time, or a job due between the two would be missed.
        let now = stage.journal.now();
        // Each scan of a source wakes this loop, and the queries below list all sources.
        let has_queued = !candidates.is_empty() || stage.journal.store.has_queued().await?;
        if candidates.is_empty() && has_queued {
            candidates = stage.candidates(now, &in_flight).await?.into();
        }
        if let Some(candidate) = candidates.pop_front() {
            in_flight.insert(candidate.job.id);
            let turn = charge_order.as_ref().map(ChargeOrder::join);
            tasks.spawn(submit_candidate(
                stage.clone(),
                candidate,
                upload_slot,
                turn,
            ));
            continue;
        }
        drop(upload_slot);
        let due = match has_queued {
            true => stage.next_due(now).await?,
            false => Timestamp::MAX,
        };
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => break,
            () = stage.journal.signals.wake_submit.notified() => {}
            () = sleep_until(&*stage.journal.clock, due) => {}
            Some(joined) = tasks.join_next() => finish_task(&mut in_flight, joined)?,
        }
    }
    while let Some(joined) = tasks.join_next().await {
        finish_task(&mut in_flight, joined)?;
    }
    Ok(())
}

impl Submit {
    /// Returns the next candidates at `now`, except those in flight.
    async fn candidates(
        &self,
        now: Timestamp,
        in_flight: &HashSet<JobId>,
    ) -> Result<Vec<Candidate>, StoreError> {
        let (reach, closed_models) = (self.reach.sources(), self.lane.admission.closed_models());
        let store = &self.journal.store;
        store
            .candidates(&reach, now, in_flight, &closed_models, BATCH)
            .await
    }

    /// Returns when the next candidate is due after `now`, or a failing model may be probed.
    async fn next_due(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let reach = self.reach.sources();
        let due = self.journal.store.next_due(&reach, now).await?;
        let times = [due, self.lane.admission.next_model_probe()];
        Ok(times.into_iter().flatten().min().unwrap_or(Timestamp::MAX))
    }
}

async fn submit_candidate(
    stage: Arc<Submit>,
    candidate: Candidate,
    upload_slot: UploadSlot,
    turn: Option<ChargeTurn>,
) -> Result<JobId, StoreError> {
    let job = candidate.job.id;
    let result = stage.submit_one(candidate, upload_slot, turn).await;
    stage.journal.notify_progress();
    result.map(|()| job)
}

/// A slot for one recording in preflight or upload; there are `limits.max_uploads`.
pub(super) type UploadSlot = OwnedSemaphorePermit;

type JoinedTask = Result<Result<JobId, StoreError>, tokio::task::JoinError>;

fn finish_task(in_flight: &mut HashSet<JobId>, joined: JoinedTask) -> Result<(), StoreError> {
    match joined {
        Ok(Ok(job)) => {
            in_flight.remove(&job);
            Ok(())
        }
        Ok(Err(error)) => Err(error),
        Err(panic) => {
            // The job stays in `in_flight`, so this run leaves it alone. The next start marks its attempt as uncertain.
            tracing::error!(error = %panic, "submission task panicked; the next start recovers its recording");
            Ok(())
        }
    }
}
