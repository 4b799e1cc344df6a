//! Progress of a run: what it has submitted, and what is left.

use std::time::Duration;

/// Maximum number of [`Progress::submissions`].
pub const MAX_SUBMISSIONS: usize = 1000;

/// Size of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RecordingSize {
    /// Size in bytes. 0 for a URL.
    pub bytes: u64,
    /// Length in seconds of audio, if need be an estimate.
    pub audio_s: f64,
}

/// A recording that is being sent or transcribed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InFlight {
    /// Size.
    pub size: RecordingSize,
    /// Time since the start of the upload, or since the acceptance.
    pub since: Duration,
}

/// An accepted submission of the last time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Submission {
    /// Size.
    pub size: RecordingSize,
    /// Time since the acceptance.
    pub accepted: Duration,
    /// Time from the start of the upload to the acceptance.
    pub upload: Duration,
    /// Time from the acceptance to the result, if there is one.
    pub result: Option<Duration>,
}

/// Limits of submissions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubmitLimits {
    /// Maximum submissions in any minute.
    pub per_minute: u32,
    /// Maximum concurrent uploads.
    pub uploads: usize,
    /// Maximum generations at the service.
    pub pending: usize,
}

/// Progress of a run, and what is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Time since the start of the run. `None` if none is active.
    pub running: Option<Duration>,
    /// Limits of submissions.
    pub limits: SubmitLimits,
    /// Queued recordings, in their order. Only the first of a long queue.
    pub queued: Vec<RecordingSize>,
    /// Number of all queued recordings.
    pub queued_total: u64,
    /// Recordings that are being sent.
    pub sending: Vec<InFlight>,
    /// Recordings at the service.
    pub pending: Vec<InFlight>,
    /// Latest accepted submissions, newest first, also of earlier runs.
    pub submissions: Vec<Submission>,
}

impl Progress {
    /// Returns the median time from an acceptance to its result in this run, or in earlier ones if it has none.
    #[must_use]
    pub fn usual_result(&self) -> Option<Duration> {
        let known = self.known_submissions();
        let mut times: Vec<_> = known.iter().filter_map(|one| one.result).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    /// Returns the accepted submissions of this run, or all of them as long as this run has no result.
    pub(super) fn known_submissions(&self) -> Vec<&Submission> {
        let running = self.running.unwrap_or_default();
        let all = self.submissions.iter();
        let of_run: Vec<_> = all.filter(|one| one.accepted <= running).collect();
        match of_run.iter().any(|one| one.result.is_some()) {
            true => of_run,
            false => self.submissions.iter().collect(),
        }
    }
}
