//! What a run tells whoever shows it.

use crate::api::UploadProgress;
use crate::domain::{Failure, Hold, HoldKind, JobId, JobState, Timestamp};
use crate::policy::hours::Opening;
use crate::store::recovery::Recovered;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Something happened in a run.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "the fields repeat in each variant: `job` and its recording's path, `name`"
)]
pub enum Event {
    /// The run has the queue and is about to work; with what it took up again.
    Started { recovered: Recovered },
    /// A source was looked through.
    Scanned { source: String, scan: Scan },
    /// A source's folder is not there; its jobs wait.
    SourceGone {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// What happens in a source's folder is not told by the system; what is new is found by looking now and then.
    NotWatched {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// A file or folder could not be looked at.
    ScanProblem {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// A recording is about to be sent.
    Sending {
        job: JobId,
        name: PathBuf,
        size_bytes: u64,
        progress: Arc<UploadProgress>,
    },
    /// The sending ended, in whatever way.
    Sent { job: JobId },
    /// The service has accepted it.
    Accepted { job: JobId, name: PathBuf },
    /// The answer to its submission was lost and is found: it was accepted.
    FoundAgain { job: JobId, name: PathBuf },
    /// An equal recording was paid for already.
    Shared {
        job: JobId,
        name: PathBuf,
        from: JobId,
    },
    /// Its result is safe in the database; so many seconds of audio were billed, where the service says.
    Received {
        job: JobId,
        name: PathBuf,
        audio_s: Option<f64>,
    },
    /// Every file is on disk.
    Done {
        job: JobId,
        name: PathBuf,
        outputs: Vec<PathBuf>,
        silent: bool,
    },
    /// It is tried again at `due`.
    PutBack {
        job: JobId,
        name: PathBuf,
        failure: Failure,
        due: Timestamp,
    },
    /// It is left out, by its length, its size or the budget.
    Skipped {
        job: JobId,
        name: PathBuf,
        failure: Failure,
    },
    /// Nothing more is tried.
    Failed {
        job: JobId,
        name: PathBuf,
        failure: Failure,
    },
    /// Its files could not be written; tried again at `due`.
    NotWritten {
        job: JobId,
        name: PathBuf,
        failure: Failure,
        due: Timestamp,
    },
    /// Nothing is submitted until this is lifted.
    Held { hold: Hold },
    /// A hold is over.
    Released { kind: HoldKind },
    /// The hours in which recordings are submitted have ended or begun, or the time of the run is over.
    Hours { opening: Opening },
    /// So much time was passed over: the machine slept, or its clock was set forward.
    PassedOver { span: Duration },
    /// Every request waits from `now` until `until`.
    SlowedDown {
        failure: Failure,
        now: Timestamp,
        until: Timestamp,
    },
    /// The database cannot be written for now; what is to be written is kept and tried again.
    StoreTrouble { reason: String },
    /// A second has passed, and the queue answers: the jobs by state, and when the service forgets the first of what is
    /// pending.
    Tick {
        counts: BTreeMap<JobState, u64>,
        next_expiry: Option<Timestamp>,
        now: Timestamp,
    },
    /// No new work is begun; what is under way ends.
    Stopping,
}

/// What one look through a source found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// Recordings there.
    pub found: u64,
    /// Seen for the first time.
    pub new: u64,
    /// Changed since they were recorded.
    pub changed: u64,
    /// Left until they stand still.
    pub unsettled: u64,
    /// When the first of those does.
    pub settles: Option<Timestamp>,
    /// Files and folders that could not be looked at.
    pub problems: u64,
}

/// Whoever shows a run. Called from its tasks: it must be quick and must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, event: &Event);
}
