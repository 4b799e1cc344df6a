//! The record of saved results in the database.

use super::Save;
use super::placed::{SavedFiles, SavedResult};
use super::rendering::Findings;
use super::staging::PlacedFiles;
use crate::domain::{Failure, JobId};
use crate::pipeline::event::RunEvent;
use crate::store::StoreError;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Shortest back-off after a failed write. The back-off equals the time for which writing has failed so far, within
/// these bounds.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest back-off after a failed write.
const RETRY_MAX: Duration = Duration::from_secs(60);

impl Save {
    /// Records the outcome of a result in the database, and reports it.
    pub(super) async fn record(&self, saved: SavedResult) -> Result<(), StoreError> {
        let (job, name) = (saved.received.job, saved.received.recording.relative);
        match saved.outcome {
            Ok(files) => self.record_done(job, name, files).await,
            Err(failure) => self.record_failure(job, name, failure).await,
        }
    }

    async fn record_done(
        &self,
        job: JobId,
        name: PathBuf,
        files: SavedFiles,
    ) -> Result<(), StoreError> {
        let SavedFiles { placed, findings } = files;
        let PlacedFiles {
            written,
            kept,
            rejected,
        } = placed;
        let Findings {
            silent,
            warnings,
            entry,
        } = findings;
        let store = &self.journal.store;
        if !warnings.is_empty() {
            let warn = || store.record_warnings(job, warnings.clone());
            self.journal.record(job, warn).await?;
        }
        let (hook, now) = (self.has_hook, self.journal.now());
        let done = || store.finish_job(job, written.clone(), entry.clone(), hook, now);
        if self.journal.record(job, done).await?.is_none() {
            return Ok(());
        }
        self.journal.signals.wake_hooks.notify_one();
        let outputs: Vec<_> = written.into_iter().map(|file| file.path).collect();
        if let Some(rejected) = rejected
            && !self.name_rejected.swap(true, Ordering::Relaxed)
        {
            let written = outputs.first().cloned().unwrap_or_default();
            self.journal
                .emit(&RunEvent::NameRejected { rejected, written });
        }
        for file in kept {
            let name = name.clone();
            self.journal.emit(&RunEvent::EditKept { job, name, file });
        }
        self.journal.emit(&RunEvent::Done {
            job,
            name: name.clone(),
            outputs,
            silent,
        });
        if !warnings.is_empty() {
            self.journal.emit(&RunEvent::Warned {
                job,
                name,
                warnings,
            });
        }
        Ok(())
    }

    /// Leaves the job `received`, and retries its files later.
    async fn record_failure(
        &self,
        job: JobId,
        name: PathBuf,
        failure: Failure,
    ) -> Result<(), StoreError> {
        let now = self.journal.now();
        let wait = self.write_failures.failing_for(now);
        let due = now.after(wait.clamp(RETRY_MIN, RETRY_MAX));
        let store = &self.journal.store;
        let postpone = || store.postpone_write(job, failure.clone(), due, now);
        self.journal.record(job, postpone).await?;
        self.journal.emit(&RunEvent::OutputFailed {
            job,
            name,
            failure,
            due,
        });
        Ok(())
    }
}
