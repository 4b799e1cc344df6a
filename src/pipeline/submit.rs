//! Queue → service, under the limits. For each recording: a look at it, the gate, a token, the claim, the request,
//! and the answer on disk, in this order; a claim is durable before its request leaves.

use super::clock::sleep_until;
use super::context::Context;
use super::equal;
use super::event::Event;
use super::gate::Seat;
use super::preflight::{self, Preflight, Ready, preflight};
use super::scan::bases;
use super::sending::Sending;
use crate::api::{
    Accepted, Audio, CallError, Recording, Submission, UploadProgress, client_request_id,
};
use crate::crash;
use crate::domain::{Content, ErrorClass, Failure, Hold, HoldKind, JobId, Timestamp};
use crate::media::fingerprint::Fingerprint;
use crate::policy::budget::Refusal;
use crate::store::StoreError;
use crate::store::claims::Claim;
use crate::store::queue::{Candidate, Pending};
use crate::store::recordings::{Location, Seen};
use futures_util::poll;
use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Candidates fetched from the queue at once.
const BATCH: usize = 64;
/// A small file that was read so long ago at most is sent as it was read.
const FRESH: Duration = Duration::from_secs(1);

/// Submits what is due until the run stops, then waits for what is under way. Accepted generations go to `poller`.
///
/// # Errors
/// If the database fails for good.
pub async fn submit_all(
    context: Arc<Context>,
    poller: mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    let slots = Arc::new(Semaphore::new(context.config.limits.max_uploads));
    let most = 2 * context.config.limits.max_uploads;
    let mut under_way = JoinSet::new();
    let mut in_hand = HashSet::new();
    let mut waiting = VecDeque::new();
    loop {
        while let Some(ended) = under_way.try_join_next() {
            forget(&mut in_hand, ended)?;
        }
        // Those whose answers are put on the disk take memory, too.
        if under_way.len() >= most
            && let Some(ended) = under_way.join_next().await
        {
            forget(&mut in_hand, ended)?;
        }
        let slot = tokio::select! {
            () = context.stop.cancelled() => break,
            slot = slots.clone().acquire_owned() => slot.map_err(|_| StoreError::Closed)?,
        };
        // One moment for both questions: what is due at it, and what is due after it.
        let now = context.now();
        if waiting.is_empty() {
            let found = context
                .store
                .candidates(&context.reach(), now, &in_hand, BATCH)
                .await?;
            waiting = found.into();
        }
        if let Some(candidate) = waiting.pop_front() {
            in_hand.insert(candidate.job);
            let (context, poller) = (context.clone(), poller.clone());
            under_way.spawn(async move {
                let job = candidate.job;
                let ended = submit_one(&context, candidate, slot, &poller).await;
                context.progressed();
                ended.map(|()| job)
            });
            continue;
        }
        drop(slot);
        let due = context
            .store
            .next_due(&context.reach(), now)
            .await?
            .unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = context.stop.cancelled() => break,
            () = context.to_submit.notified() => {}
            () = sleep_until(&*context.clock, due) => {}
            Some(ended) = under_way.join_next() => forget(&mut in_hand, ended)?,
        }
    }
    while let Some(ended) = under_way.join_next().await {
        forget(&mut in_hand, ended)?;
    }
    Ok(())
}

/// The place of one that is looked at and sent.
type Slot = OwnedSemaphorePermit;

type Ended = Result<Result<JobId, StoreError>, tokio::task::JoinError>;

fn forget(in_hand: &mut HashSet<JobId>, ended: Ended) -> Result<(), StoreError> {
    match ended {
        Ok(Ok(job)) => {
            in_hand.remove(&job);
            Ok(())
        }
        Ok(Err(error)) => Err(error),
        Err(panic) => {
            // The job stays in hand: it is left alone until the next start, which keeps its attempt as uncertain.
            tracing::error!(error = %panic, "a submission failed inside; its recording is left for the next start");
            Ok(())
        }
    }
}

async fn submit_one(
    context: &Context,
    candidate: Candidate,
    slot: Slot,
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    let now = context.now();
    if let Some(why) = leave_out(context, &candidate, None) {
        return skip(context, &candidate, why.to_owned()).await;
    }
    match preflight(context, &candidate).await? {
        Preflight::Ready(ready) => {
            ready_to_send(context, &candidate, ready, now, slot, poller).await
        }
        Preflight::Gone => gone(context, &candidate, now).await,
        Preflight::Changed(found) => changed(context, &candidate, found, now).await,
        Preflight::Refused(failure) => refuse(context, &candidate, failure, false).await,
        Preflight::NotNow(failure) => {
            put_off(
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

async fn ready_to_send(
    context: &Context,
    candidate: &Candidate,
    ready: Ready,
    looked_at: Timestamp,
    slot: Slot,
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    match leave_out(context, candidate, ready.duration_s) {
        Some(why) => skip(context, candidate, why.to_owned()).await,
        None => send(context, candidate, ready, looked_at, slot, poller).await,
    }
}

/// Why the candidate's source leaves it out.
fn leave_out(
    context: &Context,
    candidate: &Candidate,
    duration_s: Option<f64>,
) -> Option<&'static str> {
    let source = context.config.source(&candidate.source)?;
    source.bounds.leave_out(candidate.size_bytes, duration_s)
}

/// Leaves it out: nobody's failure, and `retry` takes it again.
async fn skip(context: &Context, candidate: &Candidate, why: String) -> Result<(), StoreError> {
    let failure = Failure::new(ErrorClass::Skipped, why);
    let skip = || {
        let (failure, now) = (failure.clone(), context.now());
        context.store.skip(candidate.job, failure, now)
    };
    if context.persist(candidate.job, skip).await?.is_some() {
        let (job, name) = (candidate.job, candidate.relative.clone());
        context.notice(&Event::Skipped { job, name, failure });
    }
    Ok(())
}

/// A file that is not there is looked for once more; one whose whole source is gone waits for it.
async fn gone(context: &Context, candidate: &Candidate, now: Timestamp) -> Result<(), StoreError> {
    if let Some(root) = preflight::missing_root(context, candidate) {
        let message = format!("the folder of its source is not there: {}", root.display());
        return put_off(
            context,
            candidate,
            context.config.schedule.scan_every,
            message,
            now,
        )
        .await;
    }
    let failure = Failure::new(ErrorClass::Unreadable, "the file is not there any more");
    if candidate.was_unreadable {
        return refuse(context, candidate, failure, true).await;
    }
    put_off(
        context,
        candidate,
        settle(context, candidate),
        failure.message,
        now,
    )
    .await
}

/// A file that is not what was recorded is recorded as it is, and settles again.
async fn changed(
    context: &Context,
    candidate: &Candidate,
    found: Fingerprint,
    now: Timestamp,
) -> Result<(), StoreError> {
    let seen = Seen {
        location: candidate.location.clone(),
        relative: candidate.relative.clone(),
        size_bytes: found.size_bytes,
        modified: found.modified,
    };
    let (source, request) = (&candidate.source, &candidate.request);
    let record = || {
        let seen = vec![seen.clone()];
        context.store.record(source, request, seen, bases, now)
    };
    context.persist(candidate.job, record).await?;
    let message = "the file was changed after it was found; it settles again".to_owned();
    put_off(context, candidate, settle(context, candidate), message, now).await
}

fn settle(context: &Context, candidate: &Candidate) -> Duration {
    let source = context.config.source(&candidate.source);
    source.map_or(Duration::ZERO, |source| source.settle)
}

async fn put_off(
    context: &Context,
    candidate: &Candidate,
    wait: Duration,
    message: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due = now.after(wait);
    let failure = Failure::new(ErrorClass::Unreadable, message);
    let put_off = || {
        context
            .store
            .put_off(candidate.job, due, None, Some(failure.clone()), now)
    };
    if context.persist(candidate.job, put_off).await?.is_some() {
        let (job, name) = (candidate.job, candidate.relative.clone());
        context.notice(&Event::PutBack {
            job,
            name,
            failure,
            due,
        });
    }
    Ok(())
}

async fn refuse(
    context: &Context,
    candidate: &Candidate,
    failure: Failure,
    gone: bool,
) -> Result<(), StoreError> {
    let refuse = || {
        context
            .store
            .refuse(candidate.job, failure.clone(), gone, context.now())
    };
    if context.persist(candidate.job, refuse).await?.is_some() {
        context.failed(candidate.job, candidate.relative.clone(), failure);
    }
    Ok(())
}

/// Sends what was found ready at `looked_at`.
async fn send(
    context: &Context,
    candidate: &Candidate,
    ready: Ready,
    looked_at: Timestamp,
    slot: Slot,
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    let Some(seat) = admitted(context, candidate, ready.sha256.as_deref()).await? else {
        return Ok(());
    };
    let spent = match context.spend(candidate.request.model(), ready.duration_s) {
        Ok(spent) => spent,
        Err(Refusal::Crossing { cap, ends }) => {
            let message = Refusal::Crossing { cap, ends }.to_string();
            let hold = Hold::new(HoldKind::Budget, context.now(), message);
            context.hold(Hold { ends, ..hold }).await;
            return Ok(());
        }
        Err(never) => return skip(context, candidate, never.to_string()).await,
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
        drop(seat);
        // One with equal content came before it.
        let settled = equal::settled(context, candidate, claim.sha256.as_deref());
        return settled.await.map(|_| ());
    };
    let progress = Arc::new(UploadProgress::default());
    context.notice(&Event::Sending {
        job: candidate.job,
        name: candidate.relative.clone(),
        size_bytes: candidate.size_bytes,
        progress: progress.clone(),
    });
    // What had to wait may have changed since, and is read again.
    let content = ready.content.filter(|_| began.since(looked_at) < FRESH);
    let request = call(context, candidate, &claim, content, progress.clone());
    let answer = tokio::select! {
        answer = crash::around("pipeline.submit.request", request) => Some(answer),
        () = context.abandon.cancelled() => None,
    };
    context.notice(&Event::Sent { job: candidate.job });
    // While its answer is put on the disk, the next one may be sent.
    drop(slot);
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
        // Left as it is: the next start keeps the attempt as uncertain.
        None => {}
    }
    drop(seat);
    Ok(())
}

/// A seat and a token. Who cannot have them at once asks meanwhile for equal content that was paid for, or is on its way:
/// it need not wait then, as nothing is sent. Under a budget everybody asks, as what costs nothing must not take another's
/// place on the account, however briefly. `None` if there is equal content, or if the run stops.
async fn admitted<'a>(
    context: &'a Context,
    candidate: &Candidate,
    sha256: Option<&str>,
) -> Result<Option<Seat<'a>>, StoreError> {
    let mut pass = pin!(pass(context));
    if !context.is_capped()
        && let Poll::Ready(seat) = poll!(&mut pass)
    {
        return Ok(seat);
    }
    if equal::settled(context, candidate, sha256).await? {
        return Ok(None);
    }
    Ok(pass.await)
}

/// The gate, then a token; what has a token but finds the gate closed again goes back to it.
async fn pass(context: &Context) -> Option<Seat<'_>> {
    loop {
        let seat = context.gate.pass(&context.stop).await?;
        tokio::select! {
            () = context.submit_pace.ready() => {}
            () = context.stop.cancelled() => return None,
        }
        if context.gate.is_still_open(&seat) {
            return Some(seat);
        }
    }
}

async fn call(
    context: &Context,
    candidate: &Candidate,
    claim: &Claim,
    content: Option<Content>,
    progress: Arc<UploadProgress>,
) -> Result<Accepted, CallError> {
    let recording;
    let audio = match &candidate.location {
        Location::Url(url) => Audio::Url(url),
        Location::File(path) => {
            recording = Recording {
                path: path.clone(),
                size_bytes: candidate.size_bytes,
                modified: candidate.modified,
                sha256: claim.sha256.clone(),
                content,
                progress,
            };
            Audio::File(&recording)
        }
    };
    let submission = Submission {
        request: &candidate.request,
        audio,
        client_request_id: &claim.client_request_id,
    };
    context.client.submit(submission).await
}
