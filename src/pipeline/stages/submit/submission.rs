//! The submission of one recording, from preflight to the stored answer.
//!
//! The steps come in this order: preflight, admission, a rate-limit token, the claim, the request, and the answer. The
//! claim is durable before the request is sent.

use super::answer::Sent;
use super::preflight::{Preflight, Ready};
use super::{Submit, UploadSlot};
use crate::domain::Location;
use crate::domain::{ErrorClass, Failure, FileContent, Hold, HoldKind, Timestamp};
use crate::pipeline::admission::Permit;
use crate::pipeline::event::RunEvent;
use crate::policy::budget::BudgetRefusal;
use crate::provider::aimlapi::models::length_refusal;
use crate::provider::{
    Accepted, AudioSource, CallError, Recording, Submission, UploadProgress, client_request_id,
};
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::claims::Claim;
use crate::store::sqlite::queue::Candidate;
use futures_util::poll;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Maximum age of file content read by preflight. Older content is read again before it is sent.
const MAX_CONTENT_AGE: Duration = Duration::from_secs(1);

impl Submit {
    /// Takes one candidate through all steps.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn submit_one(
        &self,
        candidate: Candidate,
        upload_slot: UploadSlot,
    ) -> Result<(), StoreError> {
        let now = self.journal.now();
        let model = candidate.job.request.model_key();
        if let Some(failure) = self.lane.withdrawn.failure(&model) {
            return self.fail(&candidate, failure, false).await;
        }
        if self.lane.admission.closed_models().contains(&model) {
            return Ok(());
        }
        if let Some(reason) = self.exclusion_reason(&candidate, None) {
            return self.skip(&candidate, reason.to_owned()).await;
        }
        match self.preflight(&candidate).await? {
            Preflight::Ready(ready) => {
                self.send_unless_excluded(&candidate, ready, now, upload_slot)
                    .await
            }
            Preflight::Missing => self.file_missing(&candidate, now).await,
            Preflight::Changed(found) => self.file_changed(&candidate, found, now).await,
            Preflight::Refused(failure) => self.fail(&candidate, failure, false).await,
            Preflight::Deferred(failure) => {
                self.postpone(&candidate, self.config.retry.backoff, failure.message, now)
                    .await
            }
        }
    }

    async fn send_unless_excluded(
        &self,
        candidate: &Candidate,
        ready: Ready,
        checked_at: Timestamp,
        upload_slot: UploadSlot,
    ) -> Result<(), StoreError> {
        if self.import(candidate, ready.sha256.as_deref()).await? {
            return Ok(());
        }
        let model = candidate.job.request.model();
        if let Some(message) = ready
            .duration_s
            .and_then(|duration_s| length_refusal(model, duration_s))
        {
            let failure = Failure::new(ErrorClass::Rejected, message);
            return self.fail(candidate, failure, false).await;
        }
        match self.exclusion_reason(candidate, ready.duration_s) {
            Some(reason) => self.skip(candidate, reason.to_owned()).await,
            None => self.send(candidate, ready, checked_at, upload_slot).await,
        }
    }

    /// Returns why the limits of its source exclude the candidate, if they do.
    fn exclusion_reason(
        &self,
        candidate: &Candidate,
        duration_s: Option<f64>,
    ) -> Option<&'static str> {
        let source = self.config.source(&candidate.recording.source)?;
        source
            .bounds
            .exclusion_reason(candidate.recording.revision.size_bytes, duration_s)
    }

    /// Submits a recording that preflight found ready at `checked_at`.
    async fn send(
        &self,
        candidate: &Candidate,
        ready: Ready,
        checked_at: Timestamp,
        upload_slot: UploadSlot,
    ) -> Result<(), StoreError> {
        let Some(permit) = self.admitted(candidate, ready.sha256.as_deref()).await? else {
            return Ok(());
        };
        // The job stays queued while its model fails.
        let model = candidate.job.request.model_key();
        let Some(model_permit) = self.lane.admission.try_acquire_model(&model) else {
            return Ok(());
        };
        let spent = match self.lane.spend.charge(
            candidate.job.request.model(),
            ready.duration_s,
            self.journal.now(),
        ) {
            Ok(spent) => spent,
            Err(BudgetRefusal::WouldExceed { cap, ends }) => {
                let message = BudgetRefusal::WouldExceed { cap, ends }.to_string();
                let hold = Hold::new(HoldKind::Budget, self.journal.now(), message);
                self.journal.hold(Hold { ends, ..hold }).await;
                return Ok(());
            }
            Err(refusal) => return self.skip(candidate, refusal.to_string()).await,
        };
        let (began, started_steady) = (self.journal.now(), self.journal.clock.steady());
        let claim = Claim {
            job: candidate.job.id,
            run: self.journal.messages.run,
            client_request_id: client_request_id(rand::random()),
            duration_s: ready.duration_s,
            sha256: ready.sha256,
            size_bytes: matches!(candidate.recording.location, Location::File(_))
                .then_some(candidate.recording.revision.size_bytes),
            now: began,
        };
        let Some(attempt) = self
            .journal
            .record(candidate.job.id, || self.journal.store.claim(claim.clone()))
            .await?
        else {
            self.lane.spend.refund(&spent);
            drop(permit);
            // The claim fails if a job with equal content was claimed first.
            let settled = self.settle_duplicate(candidate, claim.sha256.as_deref());
            return settled.await.map(|_| ());
        };
        let progress = Arc::new(UploadProgress::default());
        self.journal.emit(&RunEvent::UploadStarted {
            job: candidate.job.id,
            name: candidate.recording.relative.clone(),
            size_bytes: candidate.recording.revision.size_bytes,
            progress: progress.clone(),
        });
        // The file may have changed while the job waited for admission.
        let content = ready
            .content
            .filter(|_| began.since(checked_at) < MAX_CONTENT_AGE);
        let request = self.send_request(candidate, &claim, content, progress.clone());
        let answer = tokio::select! {
            answer = failpoint::around("pipeline.submit.request", request) => Some(answer),
            () = self.journal.signals.abandon.cancelled() => None,
        };
        self.journal.emit(&RunEvent::UploadEnded {
            job: candidate.job.id,
        });
        // The next upload may start while this answer is stored.
        drop(upload_slot);
        // After an abandoned run the job stays `submitting`, and the next start marks its attempt as uncertain.
        if let Some(reply) = answer {
            let sent = Sent {
                candidate,
                attempt,
                started_at: began,
                started_steady,
                duration_s: ready.duration_s,
                spent,
            };
            self.answered(&sent, reply).await?;
        }
        drop(model_permit);
        drop(permit);
        Ok(())
    }

    /// Waits for an admission permit and a rate-limit token. Returns `None` if the job is a duplicate, or if the run stops.
    ///
    /// If the permit or the token is not available immediately, the job is first checked for equal content that is already
    /// paid for or in flight: a duplicate sends nothing and need not wait. Under a budget this check always comes first,
    /// because a duplicate costs nothing and must not hold any of the budget, even briefly.
    async fn admitted<'a>(
        &'a self,
        candidate: &Candidate,
        sha256: Option<&str>,
    ) -> Result<Option<Permit<'a>>, StoreError> {
        let mut acquiring = pin!(self.acquire_permit());
        if !self.lane.spend.is_capped()
            && let Poll::Ready(permit) = poll!(&mut acquiring)
        {
            return Ok(permit);
        }
        if self.settle_duplicate(candidate, sha256).await? {
            return Ok(None);
        }
        Ok(acquiring.await)
    }

    /// Waits for a permit, then for a token. Starts over if admission has closed in the meantime. Returns `None` if the run
    /// stops.
    async fn acquire_permit(&self) -> Option<Permit<'_>> {
        loop {
            let permit = self
                .lane
                .admission
                .acquire(&self.journal.signals.stop)
                .await?;
            tokio::select! {
                () = self.lane.submit_rate.ready() => {}
                () = self.journal.signals.stop.cancelled() => return None,
            }
            if self.lane.admission.is_still_valid(&permit) {
                return Some(permit);
            }
        }
    }

    async fn send_request(
        &self,
        candidate: &Candidate,
        claim: &Claim,
        content: Option<FileContent>,
        progress: Arc<UploadProgress>,
    ) -> Result<Accepted, CallError> {
        let recording;
        let audio = match &candidate.recording.location {
            Location::Url(url) => AudioSource::Url(url),
            Location::File(path) => {
                recording = Recording {
                    path: path.clone(),
                    size_bytes: candidate.recording.revision.size_bytes,
                    modified: candidate.recording.revision.modified,
                    sha256: claim.sha256.clone(),
                    content,
                    progress,
                };
                AudioSource::File(&recording)
            }
        };
        let submission = Submission {
            request: &candidate.job.request,
            audio,
            client_request_id: &claim.client_request_id,
        };
        self.lane.client.submit(submission).await
    }
}
