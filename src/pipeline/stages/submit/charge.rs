//! Admission of a submission, and its charge to the budget.

use super::Submit;
use crate::domain::local_time::format_with_offset;
use crate::domain::{Hold, HoldKind, Location, RecordingIdentity};
use crate::pipeline::admission::{ModelPermit, Permit};
use crate::policy::budget::{BookedLength, BudgetRefusal, Charge};
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use futures_util::poll;
use std::pin::pin;
use std::task::Poll;

/// Returns the length for which a candidate is charged to the budget.
pub(super) fn booked_length(candidate: &Candidate, duration_s: Option<f64>) -> BookedLength {
    let is_file = matches!(candidate.recording.location, Location::File(_));
    let size_bytes = is_file.then_some(candidate.recording.revision.size_bytes);
    BookedLength::of(duration_s, size_bytes)
}

impl Submit {
    /// Waits until the submission is admitted and the budget has room for it. Returns `None` if it is not submitted.
    ///
    /// A submission for which no room is left holds all others, and is the first to be charged when the hold ends.
    pub(super) async fn admit_and_charge<'a>(
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
                Err(refusal @ BudgetRefusal::WouldExceed { ends, .. }) => {
                    let resumes = ends.map_or_else(String::new, |ends| {
                        let ends = format_with_offset(ends, &self.journal.clock.zone());
                        format!("; submissions resume at {ends}")
                    });
                    let hold = Hold::new(HoldKind::Budget, now, format!("{refusal}{resumes}"));
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
}
