//! The sound track of a video, which is sent in its place.
//!
//! It is copied before the claim, so that a crash meanwhile costs nothing and leaves the job queued.

use super::Submit;
use super::file_check::{Preflight, Ready, hash};
use super::preflight::blocking;
use super::submission::CheckedSubmission;
use crate::config::ExtractAudio;
use crate::domain::Location;
use crate::media::sound_track::{CopyFormat, may_be_video};
use crate::pipeline::sound_copies::Video;
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use std::path::Path;

impl Submit {
    /// Copies the sound track of a video. The video itself is hashed before, as a copy does not tell its hashes. Returns
    /// `None` if nothing is sent, because the video is a duplicate or the run stops.
    pub(super) async fn with_sound_copy<'a>(
        &self,
        checked: CheckedSubmission<'a>,
    ) -> Result<Option<CheckedSubmission<'a>>, StoreError> {
        let candidate = checked.candidate;
        let Location::File(path) = &candidate.recording.location else {
            return Ok(Some(checked));
        };
        let Some((format, length_s)) = self.copy_format(candidate, path, &checked.ready).await
        else {
            return Ok(Some(checked));
        };
        let Some(ready) = hashed(path, &checked.ready).await else {
            // The upload finds out why.
            return Ok(Some(checked));
        };
        let Some(hash) = &ready.identity.hash else {
            return Ok(Some(checked));
        };
        if self
            .journal
            .settle_duplicate(candidate, &ready.identity)
            .await?
        {
            return Ok(None);
        }
        let video = Video {
            path,
            size_bytes: candidate.recording.revision.size_bytes,
            length_s,
            hash,
        };
        let copying = self.sound_copies.copy(&video, format);
        let copy = tokio::select! {
            copy = failpoint::around("pipeline.submit.copy", copying) => copy,
            () = self.journal.signals.stop.cancelled() => return Ok(None),
        };
        Ok(Some(CheckedSubmission {
            ready,
            copy,
            ..checked
        }))
    }

    /// Returns the format of the copy and the length of the sound, if a copy is to be sent.
    async fn copy_format(
        &self,
        candidate: &Candidate,
        path: &Path,
        ready: &Ready,
    ) -> Option<(CopyFormat, f64)> {
        let source = self.config.source(&candidate.recording.source)?;
        // A copy of a truncated file, or of one of unknown length, may end early without notice.
        let is_copied = source.extract_audio == ExtractAudio::Auto
            && may_be_video(path)
            && ready.content.is_none()
            && !ready.is_truncated
            && !ready.is_estimate;
        let length_s = ready.duration_s.filter(|_| is_copied)?;
        let format = self.sound_copies.format(path).await?;
        Some((format, length_s))
    }
}

/// Hashes the file if it is not hashed yet. `None` if it cannot be read.
async fn hashed(path: &Path, ready: &Ready) -> Option<Ready> {
    if ready.identity.hash.is_some() {
        return Some(ready.clone());
    }
    let (path, ready) = (path.to_owned(), ready.clone());
    match blocking(move || hash(&path, ready)).await {
        Preflight::Ready(ready) => Some(ready),
        _ => None,
    }
}
