//! The request of a claimed job.

use super::Submit;
use super::submission::CheckedSubmission;
use crate::domain::Location;
use crate::pipeline::event::RunEvent;
use crate::provider::{Accepted, AudioSource, CallError, Recording, Submission, UploadProgress};
use crate::runtime::failpoint;
use crate::store::sqlite::claims::Claim;
use std::sync::Arc;
use std::time::Duration;

/// Maximum age of file content read by preflight. Older content is read again before it is sent.
const MAX_CONTENT_AGE: Duration = Duration::from_secs(1);

impl Submit {
    /// Sends the request, and returns its answer. Returns `None` if the run is abandoned meanwhile. The job then stays
    /// `submitting`, and the next start marks its attempt as uncertain.
    pub(super) async fn upload(
        &self,
        checked: CheckedSubmission<'_>,
        claim: &Claim,
    ) -> Option<Result<Accepted, CallError>> {
        let CheckedSubmission {
            candidate,
            ready,
            checked_at,
            copy: copied,
        } = checked;
        let (job, revision) = (candidate.job.id, candidate.recording.revision);
        let progress = Arc::new(UploadProgress::default());
        // The file of a copy is removed when `copied` is dropped, after the answer.
        let copy = copied.as_ref().map(|copied| copied.copy.clone());
        self.journal.emit(&RunEvent::UploadStarted {
            job,
            name: candidate.recording.relative.clone(),
            size_bytes: copy
                .as_ref()
                .map_or(revision.size_bytes, |copy| copy.size_bytes),
            progress: progress.clone(),
        });
        let recording;
        let audio = match &candidate.recording.location {
            Location::Url(url) => AudioSource::Url(url),
            Location::File(path) => {
                // The file may have changed while the job waited for admission.
                let is_fresh = claim.now.since(checked_at) < MAX_CONTENT_AGE;
                recording = Recording {
                    path: path.clone(),
                    size_bytes: revision.size_bytes,
                    modified: revision.modified,
                    hash: claim.identity.hash.clone(),
                    payload: ready.payload,
                    content: ready.content.filter(|_| is_fresh),
                    copy,
                    progress,
                };
                AudioSource::File(&recording)
            }
        };
        let request = self.lane.client.submit(Submission {
            request: &candidate.job.request,
            audio,
            client_request_id: &claim.client_request_id,
        });
        let answer = tokio::select! {
            answer = failpoint::around("pipeline.submit.request", request) => Some(answer),
            () = self.journal.signals.abandon.cancelled() => None,
        };
        self.journal.emit(&RunEvent::UploadEnded { job });
        answer
    }
}
