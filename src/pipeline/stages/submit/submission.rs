//! The submission of one recording, from preflight to the stored answer.
//!
//! The steps come in this order: preflight, the copy of a sound track, admission, a rate-limit token, the claim, the request,
//! and the answer. The claim is durable before the request is sent.

use super::answer::Sent;
use super::charge_order::ChargeTurn;
use super::file_check::{Preflight, Ready};
use super::{Submit, UploadSlot};
use crate::domain::Location;
use crate::domain::{
    ErrorClass, Failure, FileContent, Hold, HoldKind, PaidMark, RecordingHash, RecordingIdentity,
    Timestamp,
};
use crate::media::payload::Payload;
use crate::pipeline::admission::{ModelPermit, Permit};
use crate::pipeline::event::RunEvent;
use crate::pipeline::sound_copies::CopiedSound;
use crate::policy::bounds::Exclusion;
use crate::policy::budget::{BookedLength, BudgetRefusal, Charge};
use crate::provider::aimlapi::models::length_refusal;
use crate::provider::{
    Accepted, AudioSource, CallError, Recording, SoundCopy, Submission, UploadProgress,
    client_request_id,
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

/// A recording that preflight found ready at `checked_at`.
pub(super) struct CheckedSubmission<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) ready: Ready,
    pub(super) checked_at: Timestamp,
    /// Copy of the sound track that is sent in place of the file.
    pub(super) copy: Option<CopiedSound>,
}

/// Content of an upload, as far as it was read before.
struct Upload {
    payload: Option<Payload>,
    content: Option<FileContent>,
    copy: Option<SoundCopy>,
    progress: Arc<UploadProgress>,
}

/// Returns the length for which a candidate is charged to the budget.
fn booked_length(candidate: &Candidate, duration_s: Option<f64>) -> BookedLength {
    let is_file = matches!(candidate.recording.location, Location::File(_));
    let size_bytes = is_file.then_some(candidate.recording.revision.size_bytes);
    BookedLength::of(duration_s, size_bytes)
}

impl Submit {
    /// Takes one candidate through all steps.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn submit_one(
        &self,
        candidate: Candidate,
        upload_slot: UploadSlot,
        turn: Option<ChargeTurn>,
    ) -> Result<(), StoreError> {
        let now = self.journal.now();
        let model = candidate.job.request.model_key();
        if let Some(failure) = self.lane.withdrawn.failure(&model) {
            return self.fail(&candidate, failure, false).await;
        }
        if self.lane.admission.closed_models().contains(&model) {
            return Ok(());
        }
        if let Some(reason) = self.exclusion_by_size(&candidate) {
            return self.skip(&candidate, reason, None).await;
        }
        match self.preflight(&candidate).await? {
            Preflight::Ready(ready) => {
                let checked = CheckedSubmission {
                    candidate: &candidate,
                    ready,
                    checked_at: now,
                    copy: None,
                };
                self.send_unless_excluded(checked, upload_slot, turn).await
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
        checked: CheckedSubmission<'_>,
        upload_slot: UploadSlot,
        turn: Option<ChargeTurn>,
    ) -> Result<(), StoreError> {
        let CheckedSubmission {
            candidate, ready, ..
        } = &checked;
        if self.importer.import(candidate, &ready.identity).await? {
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
        if let Some(reason) = self.exclusion(candidate, ready.duration_s) {
            return self.skip(candidate, reason, ready.duration_s).await;
        }
        if self
            .looks_paid(candidate, ready.identity.hash.as_ref())
            .await
        {
            // The job stays queued. The comparison marks it, so that it is not fetched again.
            self.comparer.request(&candidate.recording.source);
            return Ok(());
        }
        self.report_unchecked_length(candidate, ready.duration_s);
        match self.with_sound_copy(checked).await? {
            Some(checked) => self.send(checked, upload_slot, turn).await,
            None => Ok(()),
        }
    }

    /// Whether a transcript of the recording exists that cannot be imported, and no comparison has found it yet. The
    /// recording may be queued without a scan.
    async fn looks_paid(&self, candidate: &Candidate, hash: Option<&RecordingHash>) -> bool {
        let Candidate { job, recording, .. } = candidate;
        if candidate.paid_mark.is_some() || matches!(recording.location, Location::Url(_)) {
            return false;
        }
        let archive = self.importer.archive();
        // The comparison hashes only these.
        let hash = hash.filter(|_| archive.may_contain(recording));
        let evidence = archive.evidence(recording, &job.request, hash).await;
        evidence == Some(PaidMark::Transcribed)
    }

    fn report_unchecked_length(&self, candidate: &Candidate, duration_s: Option<f64>) {
        let source = self.config.source(&candidate.recording.source);
        if duration_s.is_none() && source.is_some_and(|source| source.bounds.limit_length()) {
            let (job, name) = (candidate.job.id, candidate.recording.relative.clone());
            self.journal.emit(&RunEvent::LengthUnchecked { job, name });
        }
    }

    fn exclusion_by_size(&self, candidate: &Candidate) -> Option<Exclusion> {
        let source = self.config.source(&candidate.recording.source)?;
        let size_bytes = candidate.recording.revision.size_bytes;
        source.bounds.exclusion_by_size(size_bytes)
    }

    /// Returns why the limits of its source exclude the candidate, if they do.
    fn exclusion(&self, candidate: &Candidate, duration_s: Option<f64>) -> Option<Exclusion> {
        let source = self.config.source(&candidate.recording.source)?;
        let size_bytes = candidate.recording.revision.size_bytes;
        source.bounds.exclusion(size_bytes, duration_s)
    }

    /// Submits a recording that preflight found ready.
    ///
    /// With a budget, this waits for `turn`, so that the recordings are charged in the order of the queue.
    async fn send(
        &self,
        checked: CheckedSubmission<'_>,
        upload_slot: UploadSlot,
        turn: Option<ChargeTurn>,
    ) -> Result<(), StoreError> {
        let CheckedSubmission {
            candidate,
            ready,
            checked_at,
            copy,
        } = checked;
        if let Some(turn) = &turn {
            turn.arrived().await;
        }
        let length = booked_length(candidate, ready.duration_s);
        let charged = self
            .admit_and_charge(candidate, &ready.identity, length)
            .await?;
        let Some((permit, model_permit, charge)) = charged else {
            return Ok(());
        };
        drop(turn);
        let (began, started_steady) = (self.journal.now(), self.journal.clock.steady());
        let claim = Claim {
            job: candidate.job.id,
            run: self.journal.messages.run,
            client_request_id: client_request_id(rand::random()),
            duration_s: ready.duration_s,
            identity: ready.identity,
            size_bytes: matches!(candidate.recording.location, Location::File(_))
                .then_some(candidate.recording.revision.size_bytes),
            sent_sha256: copy.as_ref().map(|copy| copy.sha256.clone()),
            now: began,
        };
        let Some(attempt) = self
            .journal
            .record(candidate.job.id, || self.journal.store.claim(claim.clone()))
            .await?
        else {
            if self.lane.spend.refund(&charge, self.journal.now()) {
                self.journal.release(HoldKind::Budget).await;
            }
            drop(permit);
            // The claim fails if a job with equal content was claimed first.
            let settled = self.journal.settle_duplicate(candidate, &claim.identity);
            return settled.await.map(|_| ());
        };
        self.lane.spend.record_claim(attempt, charge, length);
        let progress = Arc::new(UploadProgress::default());
        self.journal.emit(&RunEvent::UploadStarted {
            job: candidate.job.id,
            name: candidate.recording.relative.clone(),
            size_bytes: match &copy {
                Some(copied) => copied.copy.size_bytes,
                None => candidate.recording.revision.size_bytes,
            },
            progress: progress.clone(),
        });
        // The file may have changed while the job waited for admission.
        let content = ready
            .content
            .filter(|_| began.since(checked_at) < MAX_CONTENT_AGE);
        let upload = Upload {
            payload: ready.payload,
            content,
            copy: copy.as_ref().map(|copied| copied.copy.clone()),
            progress,
        };
        let request = self.send_request(candidate, &claim, upload);
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
                sent_sha256: claim.sent_sha256,
            };
            self.answered(&sent, reply).await?;
        }
        drop(model_permit);
        drop(permit);
        Ok(())
    }

    /// Waits until the submission is admitted and the budget has room for it. Returns `None` if it is not submitted.
    ///
    /// A submission for which no room is left holds all others, and is the first to be charged when the hold ends.
    async fn admit_and_charge<'a>(
        &'a self,
        candidate: &Candidate,
        identity: &RecordingIdentity,
        length: BookedLength,
    ) -> Result<Option<(Permit<'a>, ModelPermit<'a>, Charge)>, StoreError> {
        loop {
            let Some(permit) = self.admitted(candidate, identity).await? else {
                return Ok(None);
            };
            // The job stays queued while its model fails.
            let model = &candidate.job.request;
            let Some(model_permit) = self.lane.admission.try_acquire_model(&model.model_key())
            else {
                return Ok(None);
            };
            let now = self.journal.now();
            match self.lane.spend.charge(model.model(), length, now) {
                Ok(charge) => return Ok(Some((permit, model_permit, charge))),
                Err(BudgetRefusal::WouldExceed { cap, ends }) => {
                    let message = BudgetRefusal::WouldExceed { cap, ends }.to_string();
                    let hold = Hold::new(HoldKind::Budget, now, message);
                    self.journal.hold(Hold { ends, ..hold }).await;
                    // A refund or a bill may have come before the hold.
                    if self.lane.spend.has_room(self.journal.now()) {
                        self.journal.release(HoldKind::Budget).await;
                    }
                }
                Err(refusal) => {
                    self.wait_for_budget(candidate, &refusal, length).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Waits for an admission permit and a rate-limit token. Returns `None` if the job is a duplicate, or if the run stops.
    ///
    /// If the permit or the token is not available immediately, the job is first checked for equal content that is already
    /// paid for or in flight: a duplicate sends nothing and need not wait. Under a budget this check always comes first,
    /// because a duplicate costs nothing and must not hold any of the budget, even briefly.
    async fn admitted<'a>(
        &'a self,
        candidate: &Candidate,
        identity: &RecordingIdentity,
    ) -> Result<Option<Permit<'a>>, StoreError> {
        let mut acquiring = pin!(self.acquire_permit());
        if !self.lane.spend.is_capped()
            && let Poll::Ready(permit) = poll!(&mut acquiring)
        {
            return Ok(permit);
        }
        if self.journal.settle_duplicate(candidate, identity).await? {
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
        upload: Upload,
    ) -> Result<Accepted, CallError> {
        let recording;
        let audio = match &candidate.recording.location {
            Location::Url(url) => AudioSource::Url(url),
            Location::File(path) => {
                recording = Recording {
                    path: path.clone(),
                    size_bytes: candidate.recording.revision.size_bytes,
                    modified: candidate.recording.revision.modified,
                    hash: claim.identity.hash.clone(),
                    payload: upload.payload,
                    content: upload.content,
                    copy: upload.copy,
                    progress: upload.progress,
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
