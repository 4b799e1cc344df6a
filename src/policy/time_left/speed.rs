//! Usual times of an upload and of a result, by the size of the recording.

use super::progress::{Progress, RecordingSize};
use crate::policy::power_law::PowerLaw;

/// Assumed exponent of the time of an upload, as long as all files have the same size: it is proportional to the size.
const UPLOAD_EXPONENT: f64 = 1.0;
/// Assumed exponent of the time to a result. Services are faster than the recording is long, and take time for each request.
pub(super) const RESULT_EXPONENT: f64 = 0.3;

/// Usual times of uploads and of results.
pub(super) struct Speed {
    upload: PowerLaw,
    result: PowerLaw,
}

impl Speed {
    /// Fits the last submissions. Without any result, a result takes the time that the run has waited. `None` without
    /// submissions.
    pub(super) fn of(progress: &Progress) -> Option<Self> {
        let known = progress.known_submissions();
        let uploads = known.iter();
        let uploads = uploads.map(|one| (one.size.bytes as f64, one.upload.as_secs_f64()));
        let upload = PowerLaw::fit(&uploads.collect::<Vec<_>>(), UPLOAD_EXPONENT)?;
        let results = known.iter();
        let results: Vec<_> = results
            .filter_map(|one| Some((one.size.audio_s, one.result?.as_secs_f64())))
            .collect();
        let waited = progress.running;
        let waited = waited.map(|running| PowerLaw::constant(running.as_secs_f64()));
        let result = PowerLaw::fit(&results, RESULT_EXPONENT).or(waited)?;
        Some(Self { upload, result })
    }

    /// Returns the usual seconds of an upload.
    pub(super) fn upload_s(&self, size: RecordingSize) -> f64 {
        self.upload.at(size.bytes as f64)
    }

    /// Returns the usual seconds from an acceptance to the result.
    pub(super) fn result_s(&self, size: RecordingSize) -> f64 {
        self.result.at(size.audio_s)
    }
}
