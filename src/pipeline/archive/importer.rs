//! The import of a transcript during a run.

use super::Archive;
use super::import::read_import;
use crate::config::OutputConfig;
use crate::domain::RecordingIdentity;
use crate::domain::readable_path::readable_path;
use crate::pipeline::journal::Journal;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Number of transcripts read at the same time. Large results take much memory.
const MAX_CONCURRENT: usize = 4;

/// Takes transcripts of the archive into the queue, as results of jobs with equal content.
pub struct Importer {
    archive: Arc<Archive>,
    journal: Arc<Journal>,
    output: OutputConfig,
    slots: Semaphore,
}

impl Importer {
    /// Creates an importer for transcripts that belong into `output`.
    #[must_use]
    pub fn new(archive: Arc<Archive>, journal: Arc<Journal>, output: OutputConfig) -> Self {
        Self {
            archive,
            journal,
            output,
            slots: Semaphore::new(MAX_CONCURRENT),
        }
    }

    /// Returns the transcripts that the queue does not know.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Gives the candidate the result of a transcript of the same content or sound, made with the same model and options.
    /// Returns whether there is one that can be read. Without hashes there is none.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub async fn import(
        &self,
        candidate: &Candidate,
        identity: &RecordingIdentity,
    ) -> Result<bool, StoreError> {
        let Some(hash) = &identity.hash else {
            return Ok(false);
        };
        let (job, recording) = (candidate.job.id, &candidate.recording);
        let request = Some(&candidate.job.request);
        let Some(transcript) = self.archive.find(recording, hash, request) else {
            return Ok(false);
        };
        let _slot = self.slots.acquire().await.map_err(|_| StoreError::Closed)?;
        let stem = transcript.stem.clone();
        let reading = {
            let (recording, output) = (recording.clone(), self.output.clone());
            let (identity, now) = (identity.clone(), self.journal.now());
            tokio::task::spawn_blocking(move || {
                read_import(job, &recording, identity, &transcript, &output, now)
            })
        };
        let import = match reading.await {
            Ok(Ok(Some(import))) => import,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, path = readable_path(&stem), "cannot read a transcript");
                return Ok(false);
            }
            Ok(Ok(None)) | Err(_) => return Ok(false),
        };
        let change = || self.journal.store.import(import.clone());
        if self.journal.record(job, change).await?.is_some() {
            self.archive.record_import(&stem);
            self.journal.signals.wake_save.notify_one();
        }
        Ok(true)
    }
}
