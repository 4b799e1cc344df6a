//! Reasons not to submit a recording that its file does not show: the limits of its source, and an earlier payment.

use super::Submit;
use crate::domain::{Location, PaidMark, RecordingHash};
use crate::pipeline::event::RunEvent;
use crate::policy::bounds::Exclusion;
use crate::store::sqlite::queue::Candidate;

impl Submit {
    pub(super) fn exclusion_by_size(&self, candidate: &Candidate) -> Option<Exclusion> {
        let source = self.config.source(&candidate.recording.source)?;
        let size_bytes = candidate.recording.revision.size_bytes;
        source.bounds.exclusion_by_size(size_bytes)
    }

    /// Returns why the limits of its source exclude the candidate, if they do.
    pub(super) fn exclusion(
        &self,
        candidate: &Candidate,
        duration_s: Option<f64>,
    ) -> Option<Exclusion> {
        let source = self.config.source(&candidate.recording.source)?;
        let size_bytes = candidate.recording.revision.size_bytes;
        source.bounds.exclusion(size_bytes, duration_s)
    }

    /// Whether a transcript of the recording exists that cannot be imported, and no comparison has found it yet. The
    /// recording may be queued without a scan.
    pub(super) async fn looks_paid(
        &self,
        candidate: &Candidate,
        hash: Option<&RecordingHash>,
    ) -> bool {
        let Candidate { job, recording, .. } = candidate;
        if candidate.paid_mark.is_some() || matches!(recording.location, Location::Url(_)) {
            return false;
        }
        let archive = self.importer.archive();
        // The comparison hashes only these.
        let hash = hash.filter(|_| archive.may_contain(recording));
        let evidence = archive.evidence(recording, &job.request, hash).await;
        evidence == Some(PaidMark::Transcribed)
    }

    pub(super) fn report_unchecked_length(&self, candidate: &Candidate, duration_s: Option<f64>) {
        let source = self.config.source(&candidate.recording.source);
        if duration_s.is_none() && source.is_some_and(|source| source.bounds.limit_length()) {
            let (job, name) = (candidate.job.id, candidate.recording.relative.clone());
            self.journal.emit(&RunEvent::LengthUnchecked { job, name });
        }
    }
}
