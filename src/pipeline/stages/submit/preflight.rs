//! Checks of a recording before it is submitted: the file exists, has not changed since the scan, and is audio or
//! video.

use super::file_check::{FileCheck, Preflight, Ready, hash};
use crate::domain::{ErrorClass, Failure, Location};
use crate::media::inspect::Truncated;
use crate::media::sound::Length;
use crate::pipeline::lengths::found_length;
use crate::pipeline::stages::submit::Submit;
use crate::store::StoreError;
use crate::store::sqlite::durations::ProbedFile;
use crate::store::sqlite::queue::Candidate;
use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// Maximum number of concurrent checks. Four keep a disk and the cores busy; each takes a thread and its memory.
const MAX_CONCURRENT: usize = 4;

/// Returns the slots for concurrent checks.
#[must_use]
pub fn slots() -> Semaphore {
    Semaphore::new(MAX_CONCURRENT)
}

impl Submit {
    /// Checks the candidate on a blocking thread, and hashes it if it may be a duplicate.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn preflight(&self, candidate: &Candidate) -> Result<Preflight, StoreError> {
        let Location::File(path) = &candidate.recording.location else {
            return Ok(Preflight::Ready(Ready::default()));
        };
        let archive = self.importer.archive();
        archive
            .search_folder_of(&self.journal.store, &candidate.recording)
            .await?;
        let slot = self.preflight_slots.acquire().await;
        let _slot = slot.map_err(|_| StoreError::Closed)?;
        let check = FileCheck {
            path: path.clone(),
            expected: candidate.recording.revision,
            truncated: Truncated::for_job(candidate.as_is),
        };
        let checked = match blocking(move || check.run()).await {
            Preflight::Ready(ready) => self.hash_if_needed(candidate, ready, path).await?,
            checked => checked,
        };
        let Preflight::Ready(ready) = checked else {
            return Ok(checked);
        };
        let duration_s = self.duration(candidate, path, &ready).await?;
        Ok(Preflight::Ready(Ready {
            duration_s,
            ..ready
        }))
    }

    /// Hashes the file if another recording, or a transcript on disk, may have equal content.
    async fn hash_if_needed(
        &self,
        candidate: &Candidate,
        ready: Ready,
        path: &Path,
    ) -> Result<Preflight, StoreError> {
        let (archive, store) = (self.importer.archive(), &self.journal.store);
        let key = ready.identity.sound_key.as_ref();
        let needs_hash = ready.identity.hash.is_none()
            && (archive.may_contain(&candidate.recording)
                || store.may_have_duplicate(candidate, key).await?);
        if !needs_hash {
            return Ok(Preflight::Ready(ready));
        }
        let path = path.to_owned();
        Ok(blocking(move || hash(&path, ready)).await)
    }

    /// Returns the duration of a file in seconds: as its container states it, or otherwise as ffprobe or an earlier probe
    /// of the same revision tells it. Stores what the claim does not store.
    async fn duration(
        &self,
        candidate: &Candidate,
        path: &Path,
        ready: &Ready,
    ) -> Result<Option<f64>, StoreError> {
        let known = &candidate.length;
        let found = match ready.duration_s {
            // A header may state the length of the whole.
            None if ready.is_truncated => return Ok(None),
            None if known.duration_s.is_some() => return Ok(known.duration_s),
            None => self.lengths.ask(path, known.unknown_to.as_deref()).await,
            Some(seconds) if ready.is_estimate && known.duration_s.is_none() => {
                found_length(Length::Estimated(seconds))
            }
            Some(seconds) => return Ok(Some(seconds)),
        };
        let Some(length) = found else {
            return Ok(ready.duration_s);
        };
        let duration_s = length.seconds();
        let probed = ProbedFile {
            recording: candidate.recording_id,
            revision: candidate.recording.revision,
            length,
        };
        let store = || self.journal.store.store_lengths(vec![probed.clone()]);
        self.journal.retrying(store).await?;
        Ok(duration_s)
    }

    /// Returns the root folder of the candidate's source if it does not exist.
    pub(super) fn missing_root(&self, candidate: &Candidate) -> Option<PathBuf> {
        let source = self.config.source(&candidate.recording.source)?;
        (!source.path.is_dir()).then(|| source.path.clone())
    }
}

/// Runs a check on a blocking thread. A panic in a container parser fails only that file.
pub(super) async fn blocking(check: impl FnOnce() -> Preflight + Send + 'static) -> Preflight {
    let checked = tokio::task::spawn_blocking(check).await;
    checked.unwrap_or_else(|_| {
        let message = "the container parser panicked on this file";
        Preflight::Refused(Failure::new(ErrorClass::Unreadable, message))
    })
}
