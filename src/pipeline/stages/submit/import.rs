//! Import. Content that is already transcribed on disk is not submitted: the job takes the result from there.

use super::Submit;
use crate::domain::readable_path::readable_path;
use crate::pipeline::archive::import::read_import;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;

impl Submit {
    /// Gives the candidate the result of a transcript of the same content, model and options that the queue does not know.
    /// Returns whether there is one. Without a SHA-256 there is none.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn import(
        &self,
        candidate: &Candidate,
        sha256: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (job, recording) = (candidate.job.id, &candidate.recording);
        let request = Some(&candidate.job.request);
        let found = sha256.and_then(|sha256| self.archive.find(recording, sha256, request));
        let Some(transcript) = found else {
            return Ok(false);
        };
        let stem = transcript.stem.clone();
        let reading = {
            let (recording, output) = (recording.clone(), self.config.output.clone());
            let now = self.journal.now();
            // Large results take much memory.
            let _slot = self.preflight_slots.acquire().await;
            tokio::task::spawn_blocking(move || {
                read_import(job, &recording, &transcript, &output, now)
            })
            .await
        };
        let import = match reading {
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
