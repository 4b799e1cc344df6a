//! The submission of one recording, from preflight to the stored answer.
//!
//! The steps come in this order: preflight, the copy of a sound track, admission, a rate-limit token, the claim, the request,
//! and the answer. The claim is durable before the request is sent.

use super::answer::Sent;
use super::charge::booked_length;
use super::charge_order::ChargeTurn;
use super::file_check::{Preflight, Ready};
use super::{Submit, UploadSlot};
use crate::domain::{ErrorClass, Failure, HoldKind, Location, Timestamp};
use crate::pipeline::sound_copies::CopiedSound;
use crate::provider::client_request_id;
use crate::provider::models::length_refusal;
use crate::store::StoreError;
use crate::store::sqlite::claims::Claim;
use crate::store::sqlite::queue::Candidate;

/// A recording that preflight found ready at `checked_at`.
pub(super) struct CheckedSubmission<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) ready: Ready,
    pub(super) checked_at: Timestamp,
    /// Copy of the sound track that is sent in place of the file.
    pub(super) copy: Option<CopiedSound>,
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

    /// Submits a recording that preflight found ready.
    ///
    /// With a budget, this waits for `turn`, so that the recordings are charged in the order of the queue.
    async fn send(
        &self,
        checked: CheckedSubmission<'_>,
        upload_slot: UploadSlot,
        turn: Option<ChargeTurn>,
    ) -> Result<(), StoreError> {
        if let Some(turn) = &turn {
            turn.arrived().await;
        }
        let candidate = checked.candidate;
        let length = booked_length(candidate, checked.ready.duration_s);
        let charged = self
            .admit_and_charge(candidate, &checked.ready.identity, length)
            .await?;
        let Some((permit, model_permit, charge)) = charged else {
            return Ok(());
        };
        drop(turn);
        let started_steady = self.journal.clock.steady();
        let claim = self.claim(&checked);
        let claimed = || self.journal.store.claim(claim.clone());
        let Some(attempt) = self.journal.record(claim.job, claimed).await? else {
            if self.lane.spend.refund(&charge, self.journal.now()) {
                self.journal.release(HoldKind::Budget).await;
            }
            drop(permit);
            // The claim fails if a job with equal content was claimed first.
            let settled = self.journal.settle_duplicate(candidate, &claim.identity);
            return settled.await.map(|_| ());
        };
        self.lane.spend.record_claim(attempt, charge, length);
        let answer = self.upload(checked, &claim).await;
        // The next upload may start while this answer is stored.
        drop(upload_slot);
        if let Some(reply) = answer {
            let sent = Sent {
                candidate,
                attempt,
                started_at: claim.now,
                started_steady,
                duration_s: claim.duration_s,
                sent_sha256: claim.sent_sha256,
            };
            self.answered(&sent, reply).await?;
        }
        drop(model_permit);
        drop(permit);
        Ok(())
    }

    /// Returns the claim of a recording that is sent now.
    fn claim(&self, checked: &CheckedSubmission<'_>) -> Claim {
        let Candidate { job, recording, .. } = checked.candidate;
        let is_file = matches!(recording.location, Location::File(_));
        Claim {
            job: job.id,
            run: self.journal.messages.run,
            client_request_id: client_request_id(rand::random()),
            duration_s: checked.ready.duration_s,
            identity: checked.ready.identity.clone(),
            size_bytes: is_file.then_some(recording.revision.size_bytes),
            sent_sha256: checked.copy.as_ref().map(|copy| copy.sha256.clone()),
            now: self.journal.now(),
        }
    }
}
