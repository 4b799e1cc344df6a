//! Queue → service, under the limits. For each recording: a look at it, the gate, a token, the claim, the request,
//! and the answer on disk, in this order; a claim is durable before its request leaves.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use super::gate::Seat;
use super::preflight::{self, Preflight, Ready, preflight};
use super::scan::bases;
use crate::api::{
    Accepted, Audio, CallError, CallErrorKind, Completed, Recording, Reply, Submission,
    UploadProgress, client_request_id,
};
use crate::crash;
use crate::domain::{AttemptId, Content, ErrorClass, Failure, HoldKind, Timestamp};
use crate::media::fingerprint::Fingerprint;
use crate::policy::verdict::{Cause, Verdict, verdict};
use crate::store::StoreError;
use crate::store::claims::Claim;
use crate::store::compress::pack;
use crate::store::progress::{Acceptance, Completion, Ending, Next, Setback};
use crate::store::queue::{Candidate, Pending};
use crate::store::recordings::{Location, Seen};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
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
    let mut under_way = JoinSet::new();
    let mut in_hand = HashSet::new();
    let mut waiting = VecDeque::new();
    loop {
        while let Some(ended) = under_way.try_join_next() {
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
                .candidates(&context.reach(), now, BATCH + in_hand.len())
                .await?;
            waiting = found
                .into_iter()
                .filter(|candidate| !in_hand.contains(&candidate.job))
                .collect();
        }
        if let Some(candidate) = waiting.pop_front() {
            in_hand.insert(candidate.job);
            let (context, poller) = (context.clone(), poller.clone());
            under_way.spawn(async move {
                let job = candidate.job;
                let ended = submit_one(&context, candidate, &poller).await;
                drop(slot);
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

type Ended = Result<Result<crate::domain::JobId, StoreError>, tokio::task::JoinError>;

fn forget(in_hand: &mut HashSet<crate::domain::JobId>, ended: Ended) -> Result<(), StoreError> {
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
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    let now = context.now();
    match preflight(context, &candidate).await? {
        Preflight::Ready(ready) => send(context, &candidate, ready, now, poller).await,
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
        Preflight::Paid { by, sha256 } => {
            let share = || context.store.share(candidate.job, by, &sha256, now);
            if context.persist(candidate.job, share).await?.is_some() {
                context.notice(&Event::Shared {
                    job: candidate.job,
                    name: candidate.relative,
                    from: by,
                });
                context.to_save.notify_one();
            }
            Ok(())
        }
        Preflight::UnderWay(twin) => {
            let wait = || {
                context
                    .store
                    .put_off(candidate.job, now, Some(twin), None, now)
            };
            context.persist(candidate.job, wait).await.map(|_| ())
        }
    }
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
    let source = context
        .config
        .sources
        .iter()
        .find(|source| source.name == candidate.source);
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
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    let Some(seat) = pass(context).await else {
        return Ok(());
    };
    let request_id = client_request_id(rand::random());
    let began = context.now();
    let claim = Claim {
        job: candidate.job,
        run: context.run,
        client_request_id: request_id.clone(),
        duration_s: ready.duration_s,
        sha256: ready.sha256,
        size_bytes: matches!(candidate.location, Location::File(_)).then_some(candidate.size_bytes),
        now: began,
    };
    let Some(attempt) = context
        .persist(candidate.job, || context.store.claim(claim.clone()))
        .await?
    else {
        return Ok(());
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
    let request = call(context, candidate, &request_id, content, progress.clone());
    let answer = tokio::select! {
        answer = crash::around("pipeline.submit.request", request) => Some(answer),
        () = context.abandon.cancelled() => None,
    };
    context.notice(&Event::Sent { job: candidate.job });
    let sending = Sending {
        context,
        candidate,
        attempt,
        began,
        duration_s: ready.duration_s,
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
    request_id: &str,
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
                content,
                progress,
            };
            Audio::File(&recording)
        }
    };
    let submission = Submission {
        request: &candidate.request,
        audio,
        client_request_id: request_id,
    };
    context.client.submit(submission).await
}

/// A submission whose answer came, or did not.
struct Sending<'a> {
    context: &'a Context,
    candidate: &'a Candidate,
    attempt: AttemptId,
    began: Timestamp,
    duration_s: Option<f64>,
}

impl Sending<'_> {
    async fn accepted(
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
            Reply::Answer(completed) => self.received(&completed, accepted.sha256).await?,
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
        completed: &Completed,
        sha256: Option<String>,
    ) -> Result<(), StoreError> {
        let job = self.candidate.job;
        let completion = completion(job, self.attempt, completed, sha256, self.context.now());
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
            self.context.to_save.notify_one();
        }
        Ok(())
    }

    async fn failed(&self, error: CallError) -> Result<(), StoreError> {
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
                let setback = self.setback(ending(cause), Next::Failed, &error);
                if self
                    .context
                    .persist(job, || self.context.store.set_back(setback.clone()))
                    .await?
                    .is_some()
                {
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
        let message = error.failure.message.clone();
        self.put_back(Ending::Deferred, error, now, false).await?;
        self.context.hold(kind, &message).await;
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
        let setback = self.setback(ending, Next::Queued { due, spent }, &error);
        if self
            .context
            .persist(job, || self.context.store.set_back(setback.clone()))
            .await?
            .is_some()
        {
            self.context.notice(&Event::PutBack {
                job,
                name,
                failure: error.failure,
                due,
            });
        }
        Ok(())
    }

    fn setback(&self, ending: Ending, next: Next, error: &CallError) -> Setback {
        Setback {
            job: self.candidate.job,
            attempt: self.attempt,
            ending,
            next,
            failure: error.failure.clone(),
            http_status: error.http_status,
            request_id: error.request_id.clone(),
            now: self.context.now(),
        }
    }
}

/// A result as it is stored.
pub(super) fn completion(
    job: crate::domain::JobId,
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
