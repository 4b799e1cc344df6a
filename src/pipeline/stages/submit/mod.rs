//! Submission of queued recordings to the service, within the configured limits.
//!
//! Each recording takes these steps in order: preflight, admission, a rate-limit token, the claim, the request, and the
//! stored answer. The claim is durable before the request is sent.

pub(crate) mod dedup;
pub(crate) mod outcome;
pub mod preflight;
use self::preflight::{Preflight, Ready};
use crate::domain::{ErrorClass, Failure, FileContent, Hold, HoldKind, JobId, Timestamp};
use crate::pipeline::admission::Permit;
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::pipeline::stages::discover::base_names;
use crate::pipeline::stages::submit::outcome::Sending;
use crate::policy::budget::BudgetRefusal;
use crate::provider::{
    Accepted, AudioSource, CallError, Recording, Submission, UploadProgress, client_request_id,
};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::source::folder::fingerprint::Fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::claims::Claim;
use crate::store::sqlite::queue::{Candidate, PendingJob};
use crate::store::sqlite::recordings::{FoundRecording, Location};
use futures_util::poll;
use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Maximum number of candidates fetched from the queue per query.
const BATCH: usize = 64;
/// Maximum age of file content read by preflight. Older content is read again before it is sent.
const MAX_CONTENT_AGE: Duration = Duration::from_secs(1);

/// Submits due recordings until the run stops, then waits for the in-flight ones. Sends accepted generations to
/// `poller`.
///
/// # Errors
/// If the database fails permanently.
pub async fn submit_all(
    context: Arc<Context>,
    poller: mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    let upload_slots = Arc::new(Semaphore::new(context.config.limits.max_uploads));
    let max_tasks = 2 * context.config.limits.max_uploads;
    let mut tasks = JoinSet::new();
    let mut in_flight = HashSet::new();
    let mut candidates = VecDeque::new();
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
            () = context.stop.cancelled() => break,
            upload_slot = upload_slots.clone().acquire_owned() => upload_slot.map_err(|_| StoreError::Closed)?,
        };
        // `candidates` and `next_due` must use the same time, or a job due between the two would be missed.
        let now = context.now();
        if candidates.is_empty() {
            let found = context
                .store
                .candidates(&context.reach(), now, &in_flight, BATCH)
                .await?;
            candidates = found.into();
        }
        if let Some(candidate) = candidates.pop_front() {
            in_flight.insert(candidate.job);
            let (context, poller) = (context.clone(), poller.clone());
            tasks.spawn(async move {
                let job = candidate.job;
                let result = submit_one(&context, candidate, upload_slot, &poller).await;
                context.progressed();
                result.map(|()| job)
            });
            continue;
        }
        drop(upload_slot);
        let due = context
            .store
            .next_due(&context.reach(), now)
            .await?
            .unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = context.stop.cancelled() => break,
            () = context.to_submit.notified() => {}
            () = sleep_until(&*context.clock, due) => {}
            Some(joined) = tasks.join_next() => finish_task(&mut in_flight, joined)?,
        }
    }
    while let Some(joined) = tasks.join_next().await {
        finish_task(&mut in_flight, joined)?;
    }
    Ok(())
}

/// A slot for one recording in preflight or upload; there are `limits.max_uploads`.
type UploadSlot = OwnedSemaphorePermit;

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

async fn submit_one(
    context: &Context,
    candidate: Candidate,
    upload_slot: UploadSlot,
    poller: &mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    let now = context.now();
    if let Some(reason) = exclusion_reason(context, &candidate, None) {
        return skip(context, &candidate, reason.to_owned()).await;
    }
    match preflight::preflight(context, &candidate).await? {
        Preflight::Ready(ready) => {
            send_unless_excluded(context, &candidate, ready, now, upload_slot, poller).await
        }
        Preflight::Missing => file_missing(context, &candidate, now).await,
        Preflight::Changed(found) => file_changed(context, &candidate, found, now).await,
        Preflight::Refused(failure) => fail(context, &candidate, failure, false).await,
        Preflight::Deferred(failure) => {
            postpone(
                context,
                &candidate,
                context.config.retry.backoff,
                failure.message,
                now,
            )
            .await
        }
    }
}

async fn send_unless_excluded(
    context: &Context,
    candidate: &Candidate,
    ready: Ready,
    checked_at: Timestamp,
    upload_slot: UploadSlot,
    poller: &mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    match exclusion_reason(context, candidate, ready.duration_s) {
        Some(reason) => skip(context, candidate, reason.to_owned()).await,
        None => send(context, candidate, ready, checked_at, upload_slot, poller).await,
    }
}

/// Returns why the limits of its source exclude the candidate, if they do.
fn exclusion_reason(
    context: &Context,
    candidate: &Candidate,
    duration_s: Option<f64>,
) -> Option<&'static str> {
    let source = context.config.source(&candidate.source)?;
    source
        .bounds
        .exclusion_reason(candidate.size_bytes, duration_s)
}

/// Skips the job. This is not a failure, and `retry` queues the job again.
async fn skip(context: &Context, candidate: &Candidate, reason: String) -> Result<(), StoreError> {
    let failure = Failure::new(ErrorClass::Skipped, reason);
    let change = || {
        let (failure, now) = (failure.clone(), context.now());
        context.store.skip(candidate.job, failure, now)
    };
    if context.persist(candidate.job, change).await?.is_some() {
        let (job, name) = (candidate.job, candidate.relative.clone());
        context.notice(&RunEvent::Skipped { job, name, failure });
    }
    Ok(())
}

/// Handles a missing file. The first time, the job is checked again after the settle time; the second time it fails. If
/// the whole source folder is missing, the job waits for it.
async fn file_missing(
    context: &Context,
    candidate: &Candidate,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(root) = preflight::missing_root(context, candidate) {
        let message = format!("the source folder does not exist: {}", root.display());
        return postpone(
            context,
            candidate,
            context.config.schedule.scan_every,
            message,
            now,
        )
        .await;
    }
    let failure = Failure::new(ErrorClass::Unreadable, "the file no longer exists");
    if candidate.was_unreadable {
        return fail(context, candidate, failure, true).await;
    }
    postpone(
        context,
        candidate,
        settle_time(context, candidate),
        failure.message,
        now,
    )
    .await
}

/// Records the new size and time of a changed file, and waits for it to settle.
async fn file_changed(
    context: &Context,
    candidate: &Candidate,
    found: Fingerprint,
    now: Timestamp,
) -> Result<(), StoreError> {
    let seen = FoundRecording {
        location: candidate.location.clone(),
        relative: candidate.relative.clone(),
        size_bytes: found.size_bytes,
        modified: found.modified,
    };
    let (source, request) = (&candidate.source, &candidate.request);
    let change = || {
        let seen = vec![seen.clone()];
        context.store.record(source, request, seen, base_names, now)
    };
    context.persist(candidate.job, change).await?;
    let message = "the file changed after it was found; waiting until it settles".to_owned();
    postpone(
        context,
        candidate,
        settle_time(context, candidate),
        message,
        now,
    )
    .await
}

/// Returns the settle time of the candidate's source, or zero if the source is not configured.
fn settle_time(context: &Context, candidate: &Candidate) -> Duration {
    let source = context.config.source(&candidate.source);
    source.map_or(Duration::ZERO, |source| source.settle)
}

/// Postpones the job by `wait`, with `message` as the reason.
async fn postpone(
    context: &Context,
    candidate: &Candidate,
    wait: Duration,
    message: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due = now.after(wait);
    let failure = Failure::new(ErrorClass::Unreadable, message);
    let change = || {
        context
            .store
            .postpone(candidate.job, due, None, Some(failure.clone()), now)
    };
    if context.persist(candidate.job, change).await?.is_some() {
        let (job, name) = (candidate.job, candidate.relative.clone());
        context.notice(&RunEvent::Requeued {
            job,
            name,
            failure,
            due,
        });
    }
    Ok(())
}

/// Fails the job before anything is sent. `gone` is whether its file no longer exists.
async fn fail(
    context: &Context,
    candidate: &Candidate,
    failure: Failure,
    gone: bool,
) -> Result<(), StoreError> {
    let change = || {
        context
            .store
            .fail_unsent(candidate.job, failure.clone(), gone, context.now())
    };
    if context.persist(candidate.job, change).await?.is_some() {
        context.failed(candidate.job, candidate.relative.clone(), failure);
    }
    Ok(())
}

/// Submits a recording that preflight found ready at `checked_at`.
async fn send(
    context: &Context,
    candidate: &Candidate,
    ready: Ready,
    checked_at: Timestamp,
    upload_slot: UploadSlot,
    poller: &mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    let Some(permit) = admitted(context, candidate, ready.sha256.as_deref()).await? else {
        return Ok(());
    };
    let spent = match context.spend(candidate.request.model(), ready.duration_s) {
        Ok(spent) => spent,
        Err(BudgetRefusal::WouldExceed { cap, ends }) => {
            let message = BudgetRefusal::WouldExceed { cap, ends }.to_string();
            let hold = Hold::new(HoldKind::Budget, context.now(), message);
            context.hold(Hold { ends, ..hold }).await;
            return Ok(());
        }
        Err(refusal) => return skip(context, candidate, refusal.to_string()).await,
    };
    let began = context.now();
    let claim = Claim {
        job: candidate.job,
        run: context.run,
        client_request_id: client_request_id(rand::random()),
        duration_s: ready.duration_s,
        sha256: ready.sha256,
        size_bytes: matches!(candidate.location, Location::File(_)).then_some(candidate.size_bytes),
        now: began,
    };
    let Some(attempt) = context
        .persist(candidate.job, || context.store.claim(claim.clone()))
        .await?
    else {
        context.give_back(&spent);
        drop(permit);
        // The claim fails if a job with equal content was claimed first.
        let settled = dedup::settle_duplicate(context, candidate, claim.sha256.as_deref());
        return settled.await.map(|_| ());
    };
    let progress = Arc::new(UploadProgress::default());
    context.notice(&RunEvent::UploadStarted {
        job: candidate.job,
        name: candidate.relative.clone(),
        size_bytes: candidate.size_bytes,
        progress: progress.clone(),
    });
    // The file may have changed while the job waited for admission.
    let content = ready
        .content
        .filter(|_| began.since(checked_at) < MAX_CONTENT_AGE);
    let request = send_request(context, candidate, &claim, content, progress.clone());
    let answer = tokio::select! {
        answer = failpoint::around("pipeline.submit.request", request) => Some(answer),
        () = context.abandon.cancelled() => None,
    };
    context.notice(&RunEvent::UploadEnded { job: candidate.job });
    // The next upload may start while this answer is stored.
    drop(upload_slot);
    let sending = Sending {
        context,
        candidate,
        attempt,
        began,
        duration_s: ready.duration_s,
        spent,
    };
    match answer {
        Some(Ok(accepted)) => sending.accepted(accepted, poller).await?,
        Some(Err(error)) => sending.failed(error).await?,
        // The run was abandoned. The job stays `submitting`, and the next start marks its attempt as uncertain.
        None => {}
    }
    drop(permit);
    Ok(())
}

/// Waits for an admission permit and a rate-limit token. Returns `None` if the job is a duplicate, or if the run stops.
///
/// If the permit or the token is not available immediately, the job is first checked for equal content that is already
/// paid for or in flight: a duplicate sends nothing and need not wait. Under a budget this check always comes first,
/// because a duplicate costs nothing and must not hold any of the budget, even briefly.
async fn admitted<'a>(
    context: &'a Context,
    candidate: &Candidate,
    sha256: Option<&str>,
) -> Result<Option<Permit<'a>>, StoreError> {
    let mut acquiring = pin!(acquire_permit(context));
    if !context.is_capped()
        && let Poll::Ready(permit) = poll!(&mut acquiring)
    {
        return Ok(permit);
    }
    if dedup::settle_duplicate(context, candidate, sha256).await? {
        return Ok(None);
    }
    Ok(acquiring.await)
}

/// Waits for a permit, then for a token. Starts over if admission has closed in the meantime. Returns `None` if the run
/// stops.
async fn acquire_permit(context: &Context) -> Option<Permit<'_>> {
    loop {
        let permit = context.gate.acquire(&context.stop).await?;
        tokio::select! {
            () = context.submit_pace.ready() => {}
            () = context.stop.cancelled() => return None,
        }
        if context.gate.is_still_valid(&permit) {
            return Some(permit);
        }
    }
}

async fn send_request(
    context: &Context,
    candidate: &Candidate,
    claim: &Claim,
    content: Option<FileContent>,
    progress: Arc<UploadProgress>,
) -> Result<Accepted, CallError> {
    let recording;
    let audio = match &candidate.location {
        Location::Url(url) => AudioSource::Url(url),
        Location::File(path) => {
            recording = Recording {
                path: path.clone(),
                size_bytes: candidate.size_bytes,
                modified: candidate.modified,
                sha256: claim.sha256.clone(),
                content,
                progress,
            };
            AudioSource::File(&recording)
        }
    };
    let submission = Submission {
        request: &candidate.request,
        audio,
        client_request_id: &claim.client_request_id,
    };
    context.client.submit(submission).await
}
