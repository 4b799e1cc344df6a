//! Deduplication. Equal content, or equal sound, is submitted once: a duplicate takes the result of the first job, or waits for it.

use super::event::RunEvent;
use super::journal::Journal;
use crate::domain::{JobId, RecordingIdentity};
use crate::store::StoreError;
use crate::store::sqlite::duplicates::Duplicate;
use crate::store::sqlite::queue::Candidate;

impl Journal {
    /// Settles the candidate if it is a duplicate: it takes the result of a job with equal content, or waits for one that
    /// is in flight. Returns whether it was settled. Without hashes it never is.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub async fn settle_duplicate(
        &self,
        candidate: &Candidate,
        identity: &RecordingIdentity,
    ) -> Result<bool, StoreError> {
        if identity.hash.is_none() {
            return Ok(false);
        }
        let find = || self.store.find_duplicate(candidate, identity);
        match self.record(candidate.job.id, find).await?.flatten() {
            Some(Duplicate::Paid(from)) => self.share(candidate, from, identity).await?,
            Some(Duplicate::InFlight(job)) => self.wait_for(candidate, job).await?,
            None => return Ok(false),
        }
        Ok(true)
    }

    async fn share(
        &self,
        candidate: &Candidate,
        from: JobId,
        identity: &RecordingIdentity,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let change = || {
            self.store
                .share_result(candidate.job.id, from, identity, now)
        };
        if self.record(candidate.job.id, change).await?.is_some() {
            self.emit(&RunEvent::Deduplicated {
                job: candidate.job.id,
                name: candidate.recording.relative.clone(),
                from,
            });
            self.signals.wake_save.notify_one();
        }
        Ok(())
    }

    async fn wait_for(&self, candidate: &Candidate, other: JobId) -> Result<(), StoreError> {
        let now = self.now();
        let change = || {
            self.store
                .postpone(candidate.job.id, now, Some(other), None, now)
        };
        self.record(candidate.job.id, change).await.map(|_| ())
    }
}
