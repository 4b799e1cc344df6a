//! Events of a run, for display and logging.

use crate::domain::{
    Failure, Hold, HoldKind, JobId, JobState, KeptFile, Problem, Timestamp, Warning,
};
use crate::policy::hours::Opening;
use crate::provider::UploadProgress;
use crate::source::folder::left_out::LeftOut;
use crate::store::sqlite::recovery::Recovered;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// An event of a run.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "the fields repeat in each variant: `job` and its recording's path, `name`"
)]
pub enum RunEvent {
    /// The run has locked the queue and starts to work. `recovered` counts the jobs taken over from earlier runs.
    Started { recovered: Recovered },
    /// A source was scanned.
    Scanned { source: String, scan: ScanSummary },
    /// A scan of a source passed over these files.
    LeftOut { source: String, left_out: LeftOut },
    /// The folder of a source does not exist. Its jobs wait.
    SourceMissing {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// The folder of a source cannot be watched. New files are found by periodic scans.
    NotWatched {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// A file or folder could not be scanned.
    ScanProblem {
        source: String,
        path: PathBuf,
        reason: String,
    },
    /// The upload of a recording starts.
    UploadStarted {
        job: JobId,
        name: PathBuf,
        size_bytes: u64,
        progress: Arc<UploadProgress>,
    },
    /// The upload ended, successfully or not.
    UploadEnded { job: JobId },
    /// The service accepted the submission.
    Accepted { job: JobId, name: PathBuf },
    /// A submission whose answer was lost was found in the request log: it was accepted.
    AnswerRecovered { job: JobId, name: PathBuf },
    /// The job took the result of a job with equal content.
    Deduplicated {
        job: JobId,
        name: PathBuf,
        from: JobId,
    },
    /// The results of `count` transcripts on disk were taken into the queue. Nothing was submitted for them.
    Imported { count: u64 },
    /// The result is stored in the database. `audio_s` is the billed duration in seconds, if known.
    Received {
        job: JobId,
        name: PathBuf,
        audio_s: Option<f64>,
    },
    /// All transcript files are on disk.
    Done {
        job: JobId,
        name: PathBuf,
        outputs: Vec<PathBuf>,
        silent: bool,
    },
    /// The job is done and its result is stored. No file was written, because the transcript of `kept` is better.
    SetAside {
        job: JobId,
        name: PathBuf,
        kept: JobId,
    },
    /// A transcript was edited since it was written. It is kept, and the new one is next to it.
    EditKept {
        job: JobId,
        name: PathBuf,
        file: KeptFile,
    },
    /// The file system rejected the original name of a transcript or its folder. Sent once per run.
    NameRejected { rejected: PathBuf, written: PathBuf },
    /// The job is done, but its transcript should be checked.
    Warned {
        job: JobId,
        name: PathBuf,
        warnings: Vec<Warning>,
    },
    /// The job was requeued and is tried again at `due`.
    Requeued {
        job: JobId,
        name: PathBuf,
        failure: Failure,
        due: Timestamp,
    },
    /// The length of a recording is unknown, so the limits on the length do not apply to it. It is submitted.
    LengthUnchecked { job: JobId, name: PathBuf },
    /// The budget does not allow the job in this run. It stays queued.
    OverBudget {
        job: JobId,
        name: PathBuf,
        failure: Failure,
    },
    /// The job was skipped because its recording is outside the limits of its source.
    Skipped {
        job: JobId,
        name: PathBuf,
        failure: Failure,
    },
    /// The job failed permanently.
    Failed {
        job: JobId,
        name: PathBuf,
        failure: Failure,
    },
    /// The transcript files could not be written. Writing is retried at `due`.
    OutputFailed {
        job: JobId,
        name: PathBuf,
        failure: Failure,
        due: Timestamp,
    },
    /// A hold was put in force. Nothing is submitted until it is lifted, or nothing of its source.
    Held { hold: Hold },
    /// A hold was lifted.
    Released { kind: HoldKind },
    /// The hold of a single source was lifted.
    SourceReleased { source: String },
    /// The configured hours have begun or ended, or the time limit of the run was reached.
    WindowChanged { opening: Opening },
    /// The clock jumped forward by `span`: the machine slept, or its clock was set.
    ClockJumped { span: Duration },
    /// All requests back off from `now` until `until`.
    SlowedDown {
        failure: Failure,
        now: Timestamp,
        until: Timestamp,
    },
    /// Submissions of a model fail. Its recordings wait, and one at a time probes it. Other models go on.
    ModelPaused { model: String, failure: Failure },
    /// The service takes submissions of the model again.
    ModelResumed { model: String },
    /// The database cannot be written at the moment. Pending writes are retried.
    StoreUnavailable { reason: String },
    /// Sent about once per second, with the number of jobs by state and the earliest expiry of a pending generation.
    Tick {
        counts: BTreeMap<JobState, u64>,
        next_expiry: Option<Timestamp>,
        now: Timestamp,
    },
    /// The service has been unreachable for longer than the retries of a recording take. Sent once per outage by a
    /// daemon.
    Unreachable { problem: Problem },
    /// The run ends its work to go on with another configuration.
    Reloading,
    /// The run stops. No new work is started; in-flight work is completed.
    Stopping,
}

/// Result of one scan of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScanSummary {
    /// Number of recordings found.
    pub found: u64,
    /// Number of new recordings.
    pub new: u64,
    /// Number of recordings changed since they were recorded.
    pub changed: u64,
    /// Number of files that have not settled yet.
    pub unsettled: u64,
    /// Time when the first of those settles.
    pub settles_at: Option<Timestamp>,
    /// Number of files and folders that could not be scanned.
    #[serde(rename = "unreadable")]
    pub problems: u64,
}

/// Receiver of the events of a run. Called from its tasks, so it must return quickly and must not block.
pub trait Observer: Send + Sync {
    /// Handles an event.
    fn on_event(&self, event: &RunEvent);
}
