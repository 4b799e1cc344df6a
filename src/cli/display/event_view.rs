//! Form of the events of a run in JSON. Fields may be added, but are never removed or renamed.

use crate::domain::{AwaitedResults, Hold, Timestamp};
use crate::notify::notification::ReportedProblem;
use crate::source::folder::left_out::LeftOut;
use serde::Serialize;

/// A line of `run --events`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct EventLine<'a> {
    #[serde(flatten)]
    pub(super) event: EventView<'a>,
    /// Time of the event.
    pub(super) at: Timestamp,
}

/// A recording and its item.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ItemRef {
    /// ID of the job.
    pub(super) item: i64,
    /// Path within the source, or URL. A byte that is not UTF-8 is written as `\xNN`.
    pub(super) recording: String,
}

/// An error with its class.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorView<'a> {
    /// Class of the error.
    #[cfg_attr(test, schemars(with = "crate::domain::ErrorClass"))]
    pub(super) class: &'static str,
    /// Message, as a lowercase fragment.
    pub(super) message: &'a str,
}

/// An event. The name of the variant is the value of `event`, which is the first field of the object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum EventView<'a> {
    /// The run starts to work. The numbers are the items taken over from earlier runs.
    Started {
        /// Items pending at the service.
        pending: u64,
        /// Items whose result is stored but not written.
        received: u64,
        /// Items whose submission may have been accepted. They are looked up.
        uncertain: u64,
    },
    /// A source was scanned.
    Scanned {
        /// Name of the source.
        source: &'a str,
        /// Number of recordings found.
        found: u64,
        /// Number of new recordings.
        new: u64,
        /// Number of recordings changed since they were recorded.
        changed: u64,
        /// Number of files that have not settled yet.
        unsettled: u64,
        /// Number of files and folders that could not be scanned.
        unreadable: u64,
    },
    /// A scan of a source passed over files.
    LeftOut {
        /// Name of the source.
        source: &'a str,
        #[serde(flatten)]
        left_out: &'a LeftOut,
    },
    /// The folder of a source is missing. Its items wait.
    SourceMissing {
        /// Name of the source.
        source: &'a str,
        /// The folder or file. A byte that is not UTF-8 is written as `\xNN`.
        path: String,
        /// Error message of the system.
        reason: &'a str,
    },
    /// The folder of a source cannot be watched. New files are found by periodic scans.
    NotWatched {
        /// Name of the source.
        source: &'a str,
        /// The folder or file. A byte that is not UTF-8 is written as `\xNN`.
        path: String,
        /// Error message of the system.
        reason: &'a str,
    },
    /// A file or folder could not be scanned.
    Unreadable {
        /// Name of the source.
        source: &'a str,
        /// The folder or file. A byte that is not UTF-8 is written as `\xNN`.
        path: String,
        /// Error message of the system.
        reason: &'a str,
    },
    /// The upload of a recording starts.
    Uploading {
        #[serde(flatten)]
        item: ItemRef,
        /// Size in bytes.
        size_bytes: u64,
    },
    /// The service accepted a submission.
    Accepted {
        #[serde(flatten)]
        item: ItemRef,
    },
    /// An item took the result of an item with equal content.
    Duplicate {
        #[serde(flatten)]
        item: ItemRef,
        /// Item whose result it took.
        duplicate_of: i64,
    },
    /// Results of transcripts on disk were taken into the queue. Nothing was submitted for them.
    Imported {
        /// Number of transcripts.
        count: u64,
    },
    /// A result is stored in the database.
    Received {
        #[serde(flatten)]
        item: ItemRef,
        /// Billed audio in seconds, if known.
        audio_s: Option<f64>,
    },
    /// All transcript files of an item are on disk.
    Done {
        #[serde(flatten)]
        item: ItemRef,
        /// Paths of the transcripts.
        files: Vec<String>,
        /// Whether the recording contains no speech.
        silent: bool,
    },
    /// An item is done without files, because an earlier transcript is better.
    SetAside {
        #[serde(flatten)]
        item: ItemRef,
        /// Item of the better transcript.
        kept: i64,
    },
    /// A transcript was edited since it was written. It is kept.
    EditKept {
        #[serde(flatten)]
        item: ItemRef,
        /// The edited file.
        kept: String,
        /// The file with the new transcript.
        new: String,
    },
    /// The file system rejected the name of a transcript or its folder. Sent once per run.
    NameRejected {
        /// Name that was rejected.
        rejected: String,
        /// Name that was written.
        written: String,
    },
    /// A transcript is done but should be checked.
    Warning {
        #[serde(flatten)]
        item: ItemRef,
        /// Warnings about the transcript.
        #[cfg_attr(test, schemars(with = "Vec<crate::domain::Warning>"))]
        warnings: Vec<&'static str>,
    },
    /// An attempt failed. The item is tried again.
    Requeued {
        #[serde(flatten)]
        item: ItemRef,
        /// Cause.
        error: ErrorView<'a>,
        /// Earliest time of the next attempt.
        due: Timestamp,
    },
    /// The length of a recording is unknown, so the limits on the length do not apply to it. It is submitted.
    LengthUnchecked {
        #[serde(flatten)]
        item: ItemRef,
    },
    /// The budget does not allow an item in this run. It stays queued.
    OverBudget {
        #[serde(flatten)]
        item: ItemRef,
        /// Cause.
        error: ErrorView<'a>,
    },
    /// An item is excluded by the limits of its source.
    Skipped {
        #[serde(flatten)]
        item: ItemRef,
        /// Cause.
        error: ErrorView<'a>,
    },
    /// An item failed permanently.
    Failed {
        #[serde(flatten)]
        item: ItemRef,
        /// Cause.
        error: ErrorView<'a>,
    },
    /// The transcripts of an item could not be written. Writing is tried again.
    NotWritten {
        #[serde(flatten)]
        item: ItemRef,
        /// Cause.
        error: ErrorView<'a>,
        /// Earliest time of the next attempt.
        due: Timestamp,
    },
    /// A hold has begun. Nothing is submitted until it ends, or nothing of its source.
    Held {
        /// The hold.
        hold: &'a Hold,
    },
    /// A hold has ended.
    Released {
        /// Cause of the hold.
        #[cfg_attr(test, schemars(with = "crate::domain::HoldKind"))]
        hold: &'static str,
    },
    /// The hold of a source has ended.
    SourceReleased {
        /// Name of the source.
        source: &'a str,
    },
    /// The active hours have begun or ended, or the time limit of the run was reached.
    Hours {
        /// Whether submissions are allowed.
        is_open: bool,
        /// Start of the next active hours. `None` during them, or if none follow.
        opens_at: Option<Timestamp>,
    },
    /// The clock jumped forward: the machine slept, or its clock was set.
    ClockJumped {
        /// Length of the jump.
        seconds: f64,
    },
    /// All requests wait after a failure.
    SlowedDown {
        /// Cause.
        error: ErrorView<'a>,
        /// End of the wait.
        until: Timestamp,
    },
    /// Submissions for a model fail. Its recordings wait. Other models go on.
    ModelPaused {
        /// Name of the model.
        model: &'a str,
        /// Cause.
        error: ErrorView<'a>,
    },
    /// The service takes submissions for a model again.
    ModelResumed {
        /// Name of the model.
        model: &'a str,
    },
    /// The database cannot be written at the moment. The writes are retried.
    StoreUnavailable {
        /// Error message.
        reason: &'a str,
    },
    /// The service has been unreachable for longer than the retries of a recording take.
    Unreachable {
        /// The problem.
        problem: ReportedProblem,
    },
    /// The run ends its work to go on with another configuration.
    Reloading,
    /// The run stops. In-flight work is completed.
    Stopping,
    /// The run has ended. This is the last event.
    Summary {
        /// Recordings that became transcripts.
        done: u64,
        /// Recordings that failed.
        failed: u64,
        /// Transcripts that should be checked.
        warned: u64,
        /// Recordings submitted.
        submitted: u64,
        /// Audio submitted, in seconds.
        submitted_s: f64,
        /// Cost of the submissions with known prices.
        cost: f64,
        /// Duration of the run.
        seconds: f64,
        /// Active holds.
        holds: &'a [Hold],
        /// Problems that need a person.
        problems: Vec<ReportedProblem>,
        /// Paid results that are still at the service. The next run has to collect them before they expire.
        awaited: AwaitedResults,
    },
}
