//! Jobs that end or wait before anything is sent.

use super::Submit;
use crate::domain::{ErrorClass, Failure, JobId, Revision, Timestamp};
use crate::pipeline::event::RunEvent;
use crate::pipeline::stages::discover::base_names;
use crate::policy::bounds::Exclusion;
use crate::policy::budget::{BookedLength, BudgetRefusal};
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use crate::store::sqlite::recordings::FoundRecording;
use std::path::PathBuf;
use std::time::Duration;

impl Submit {
    /// Skips the job, because its recording is outside the limits of its source. This is not a failure. The job is queued
    /// again when the limits include it.
    pub(super) async fn skip(
        &self,
        candidate: &Candidate,
        reason: Exclusion,
        duration_s: Option<f64>,
    ) -> Result<(), StoreError> {
        let failure = Failure::new(ErrorClass::Skipped, reason.as_str());
        let change = || {
            let (job, now) = (candidate.job.id, self.journal.now());
            let store = &self.journal.store;
            store.exclude(job, failure.clone(), duration_s, now)
        };
        let event = |job, name| RunEvent::Skipped {
            job,
            name,
            failure: failure.clone(),
        };
        self.record_unsent(candidate, change, event).await
    }

    /// Leaves a job in the queue that the budget never allows in this run. Other jobs go on. The next run checks it again.
    pub(super) async fn wait_for_budget(
        &self,
        candidate: &Candidate,
        refusal: &BudgetRefusal,
        length: BookedLength,
    ) -> Result<(), StoreError> {
        let failure = Failure::new(ErrorClass::Budget, refusal.to_string());
        let duration_s = match length {
            BookedLength::Known(seconds) => Some(seconds),
            BookedLength::AtMost(_) | BookedLength::Unknown => None,
        };
        let change = || {
            let (job, now) = (candidate.job.id, self.journal.now());
            let store = &self.journal.store;
            store.wait_for_budget(job, failure.clone(), duration_s, now)
        };
        let event = |job, name| RunEvent::OverBudget {
            job,
            name,
            failure: failure.clone(),
        };
        self.record_unsent(candidate, change, event).await
    }

    /// Handles a missing file. The first time, the job is checked again after the settle time; the second time it fails. If
    /// the whole source folder is missing, the job waits for it.
    pub(super) async fn file_missing(
        &self,
        candidate: &Candidate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(root) = self.missing_root(candidate) {
            let message = format!("the source folder does not exist: {}", root.display());
            return self
                .postpone(candidate, self.config.schedule.scan_every, message, now)
                .await;
        }
        let failure = Failure::new(ErrorClass::Unreadable, "the file no longer exists");
        if candidate.was_unreadable {
            return self.fail(candidate, failure, true).await;
        }
        self.postpone(candidate, self.settle_time(candidate), failure.message, now)
            .await
    }

    /// Records the new size and time of a changed file, and waits for it to settle.
    pub(super) async fn file_changed(
        &self,
        candidate: &Candidate,
        found: Revision,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seen = FoundRecording {
            location: candidate.recording.location.clone(),
            relative: candidate.recording.relative.clone(),
            size_bytes: found.size_bytes,
            modified: found.modified,
        };
        let (source, request) = (&candidate.recording.source, &candidate.job.request);
        let change = || {
            let seen = vec![seen.clone()];
            self.journal
                .store
                .record(source, request, seen, base_names, now)
        };
        self.journal.record(candidate.job.id, change).await?;
        let message = "the file changed after it was found; waiting until it settles".to_owned();
        self.postpone(candidate, self.settle_time(candidate), message, now)
            .await
    }

    /// Returns the settle time of the candidate's source, or zero if the source is not configured.
    fn settle_time(&self, candidate: &Candidate) -> Duration {
        let source = self.config.source(&candidate.recording.source);
        source.map_or(Duration::ZERO, |source| source.settle)
    }

    /// Postpones the job by `wait`, with `message` as the reason.
    pub(super) async fn postpone(
        &self,
        candidate: &Candidate,
        wait: Duration,
        message: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let due = now.after(wait);
        let failure = Failure::new(ErrorClass::Unreadable, message);
        let change = || {
            self.journal
                .store
                .postpone(candidate.job.id, due, None, Some(failure.clone()), now)
        };
        let event = |job, name| RunEvent::Requeued {
            job,
            name,
            failure: failure.clone(),
            due,
        };
        self.record_unsent(candidate, change, event).await
    }

    /// Fails the job before anything is sent. `gone` is whether its file no longer exists.
    pub(super) async fn fail(
        &self,
        candidate: &Candidate,
        failure: Failure,
        gone: bool,
    ) -> Result<(), StoreError> {
        let job = candidate.job.id;
        let change = || {
            let (store, now) = (&self.journal.store, self.journal.now());
            store.fail_unsent(job, failure.clone(), gone, now)
        };
        if self.journal.record(job, change).await?.is_some() {
            let name = candidate.recording.relative.clone();
            self.journal.failed(job, name, failure);
        }
        Ok(())
    }

    /// Makes a change of the candidate's job, and reports it as `event` unless another change came first.
    async fn record_unsent<F>(
        &self,
        candidate: &Candidate,
        change: impl FnMut() -> F,
        event: impl FnOnce(JobId, PathBuf) -> RunEvent,
    ) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let job = candidate.job.id;
        if self.journal.record(job, change).await?.is_some() {
            let name = candidate.recording.relative.clone();
            self.journal.emit(&event(job, name));
        }
        Ok(())
    }
}
