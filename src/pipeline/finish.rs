//! The decision whether a run is finished.

use super::journal::Journal;
use super::lane::Lane;
use super::reach::Reach;
use super::write_failures::WriteFailures;
use crate::domain::HoldKind;
use crate::policy::hours::Opening;
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long writing may fail before `run --once` leaves the remaining results to the next start.
const GIVE_UP_WRITING_AFTER: Duration = Duration::from_secs(30);

/// Decides whether a run is finished.
pub struct Finish {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Lane to the service.
    pub lane: Arc<Lane>,
    /// Sources that may be submitted from.
    pub reach: Arc<Reach>,
    /// Time for which output files could not be written.
    pub write_failures: Arc<WriteFailures>,
    /// Time after which a failing model is left to the next run.
    pub give_up_after: Duration,
}

impl Finish {
    /// Whether the time limit of the run has passed and nothing is left to collect.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_finished_after_deadline(&self) -> Result<bool, StoreError> {
        Ok(self.lane.admission.opening() == Opening::Never && self.is_finished().await?)
    }

    /// Whether this run can do nothing more.
    ///
    /// These jobs are not waited for:
    /// - queued jobs whose source is held, or that wait for a person, for the active hours or for a model that fails
    /// - pending jobs, if the service refuses to be polled with this key until all of them have expired
    /// - received jobs, if their files cannot be written
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_finished(&self) -> Result<bool, StoreError> {
        let admission = &self.lane.admission;
        // Read before the checks below: while admission is closed, no job leaves the queue between them.
        let (holds, opening) = (admission.holds(), admission.opening());
        // Avoids a query after every recording.
        if admission.is_busy() || self.reach.is_comparing() {
            return Ok(false);
        }
        let left = self
            .journal
            .store
            .remaining_work(&self.reach.sources(), &self.given_up_models())
            .await?;
        let held = holds
            .iter()
            .any(|hold| !hold.kind.is_recomputed() && !self.is_probing(hold.kind));
        let over_budget = holds.iter().any(|hold| hold.kind == HoldKind::Budget);
        let polls_refused = holds.iter().any(|hold| hold.kind.is_probed())
            && self.lane.refused_polls.load(Ordering::Relaxed) >= admission.pending().max(1) as u64
            && !self.awaits_paid_results().await?;
        let unwritable =
            self.write_failures.failing_for(self.journal.now()) >= GIVE_UP_WRITING_AFTER;
        // The service may have accepted an uncertain submission, which is found only before it expires.
        let closed = (over_budget || opening != Opening::Now) && !left.uncertain;
        Ok((!left.queued || held || closed)
            && !left.submitting
            && (!left.pending || polls_refused)
            && (!left.received || unwritable))
    }

    /// Returns the canonical names of the models whose recordings are left to the next run.
    #[must_use]
    pub fn given_up_models(&self) -> Vec<String> {
        let admission = &self.lane.admission;
        admission.given_up_models(self.give_up_after)
    }

    /// Whether a paid result may still be at the service.
    ///
    /// While it may, a run goes on polling, although the service is unreachable or refuses the polls: the next run may be
    /// too late.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn awaits_paid_results(&self) -> Result<bool, StoreError> {
        let last_expiry = self.journal.store.last_expiry().await?;
        Ok(last_expiry.is_some_and(|expiry| self.journal.now() < expiry))
    }

    /// Whether this run can still probe a hold of the service. It can until the service refuses the key or the account
    /// in this run.
    fn is_probing(&self, kind: HoldKind) -> bool {
        kind.is_probed() && !self.lane.admission.was_refused()
    }
}
