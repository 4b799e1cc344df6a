//! Events of a run as JSON, one object per line: `run --events`. Fields may be added, but are never removed or renamed.

use crate::cli::json::to_json_line;
use crate::domain::readable_path::readable_path;
use crate::domain::{AwaitedResults, Failure, Hold, Timestamp};
use crate::notify::notification::ReportedProblem;
use crate::pipeline::Summary;
use crate::pipeline::event::{Observer, RunEvent};
use crate::policy::hours::Opening;
use crate::runtime::clock::{Clock, SystemClock};
use crate::source::folder::left_out::LeftOut;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Writer of events to standard output.
pub(super) struct EventWriter {
    started: Instant,
}

impl EventWriter {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Writes the last event, the summary of the run.
    pub(super) fn summarize(&self, summary: &Summary) {
        let spent = &summary.spent;
        write(EventView::Summary {
            done: summary.done,
            failed: summary.failed,
            warned: summary.warned,
            submitted: spent.recordings.max(0.0) as u64,
            submitted_s: spent.audio_s,
            cost: spent.cost,
            seconds: self.started.elapsed().as_secs_f64(),
            holds: &summary.holds,
            problems: summary.problems.iter().map(Into::into).collect(),
            awaited: summary.awaited,
        });
    }
}

impl Observer for EventWriter {
    fn on_event(&self, event: &RunEvent) {
        if let Some(view) = view(event) {
            write(view);
        }
    }
}

/// Writes an event. Ignores a closed standard output: the run goes on.
fn write(event: EventView<'_>) {
    let at = SystemClock.now();
    if let Ok(line) = to_json_line(&EventLine { event, at }) {
        let mut out = std::io::stdout().lock();
        let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct EventLine<'a> {
    #[serde(flatten)]
    event: EventView<'a>,
    /// Time of the event.
    at: Timestamp,
}

/// A recording and its item.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ItemRef {
    /// ID of the job.
    item: i64,
    /// Path within the source, or URL. A byte that is not UTF-8 is written as `\xNN`.
    recording: String,
}

/// An error with its class.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ErrorView<'a> {
    /// Class of the error.
    #[cfg_attr(test, schemars(with = "crate::domain::ErrorClass"))]
    class: &'static str,
    /// Message, as a lowercase fragment.
    message: &'a str,
}

/// An event. The name of the variant is the value of `event`, which is the first field of the object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventView<'a> {
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

/// Returns the view of an event. `None` for an event that only a display needs.
fn view(event: &RunEvent) -> Option<EventView<'_>> {
    item_view(event)
        .or_else(|| source_view(event))
        .or_else(|| run_view(event))
}

/// Returns the view of an event about an item.
fn item_view(event: &RunEvent) -> Option<EventView<'_>> {
    Some(match event {
        RunEvent::UploadStarted {
            job,
            name,
            size_bytes,
            ..
        } => EventView::Uploading {
            item: item(job.0, name),
            size_bytes: *size_bytes,
        },
        RunEvent::Accepted { job, name } | RunEvent::AnswerRecovered { job, name } => {
            EventView::Accepted {
                item: item(job.0, name),
            }
        }
        RunEvent::Deduplicated { job, name, from } => EventView::Duplicate {
            item: item(job.0, name),
            duplicate_of: from.0,
        },
        RunEvent::Received { job, name, audio_s } => EventView::Received {
            item: item(job.0, name),
            audio_s: *audio_s,
        },
        RunEvent::Done {
            job,
            name,
            outputs,
            silent,
        } => EventView::Done {
            item: item(job.0, name),
            files: texts(outputs),
            silent: *silent,
        },
        RunEvent::SetAside { job, name, kept } => EventView::SetAside {
            item: item(job.0, name),
            kept: kept.0,
        },
        RunEvent::EditKept { job, name, file } => EventView::EditKept {
            item: item(job.0, name),
            kept: readable_path(&file.path),
            new: readable_path(&file.new),
        },
        RunEvent::Warned {
            job,
            name,
            warnings,
        } => EventView::Warning {
            item: item(job.0, name),
            warnings: warnings.iter().map(|warning| warning.as_str()).collect(),
        },
        RunEvent::Requeued {
            job,
            name,
            failure,
            due,
        } => EventView::Requeued {
            item: item(job.0, name),
            error: error(failure),
            due: *due,
        },
        RunEvent::LengthUnchecked { job, name } => EventView::LengthUnchecked {
            item: item(job.0, name),
        },
        RunEvent::OverBudget { job, name, failure } => EventView::OverBudget {
            item: item(job.0, name),
            error: error(failure),
        },
        RunEvent::Skipped { job, name, failure } => EventView::Skipped {
            item: item(job.0, name),
            error: error(failure),
        },
        RunEvent::Failed { job, name, failure } => EventView::Failed {
            item: item(job.0, name),
            error: error(failure),
        },
        RunEvent::OutputFailed {
            job,
            name,
            failure,
            due,
        } => EventView::NotWritten {
            item: item(job.0, name),
            error: error(failure),
            due: *due,
        },
        _ => return None,
    })
}

/// Returns the view of an event about a source.
fn source_view(event: &RunEvent) -> Option<EventView<'_>> {
    Some(match event {
        RunEvent::Scanned { source, scan } => EventView::Scanned {
            source,
            found: scan.found,
            new: scan.new,
            changed: scan.changed,
            unsettled: scan.unsettled,
            unreadable: scan.problems,
        },
        RunEvent::LeftOut { source, left_out } if !left_out.is_empty() => {
            EventView::LeftOut { source, left_out }
        }
        RunEvent::SourceMissing {
            source,
            path,
            reason,
        } => EventView::SourceMissing {
            source,
            path: readable_path(path),
            reason,
        },
        RunEvent::NotWatched {
            source,
            path,
            reason,
        } => EventView::NotWatched {
            source,
            path: readable_path(path),
            reason,
        },
        RunEvent::ScanProblem {
            source,
            path,
            reason,
        } => EventView::Unreadable {
            source,
            path: readable_path(path),
            reason,
        },
        RunEvent::SourceReleased { source } => EventView::SourceReleased { source },
        _ => return None,
    })
}

/// Returns the view of an event about the run. The match names each event, so that a new one is not forgotten.
fn run_view(event: &RunEvent) -> Option<EventView<'_>> {
    Some(match event {
        RunEvent::Started { recovered } => EventView::Started {
            pending: recovered.pending,
            received: recovered.received,
            uncertain: recovered.uncertain,
        },
        RunEvent::Imported { count } => EventView::Imported { count: *count },
        RunEvent::NameRejected { rejected, written } => EventView::NameRejected {
            rejected: readable_path(rejected),
            written: readable_path(written),
        },
        RunEvent::Held { hold } => EventView::Held { hold },
        RunEvent::Released { kind } => EventView::Released {
            hold: kind.as_str(),
        },
        RunEvent::WindowChanged { opening } => EventView::Hours {
            is_open: *opening == Opening::Now,
            opens_at: match opening {
                Opening::At(time) => Some(*time),
                Opening::Now | Opening::Never => None,
            },
        },
        RunEvent::ClockJumped { span } => EventView::ClockJumped {
            seconds: span.as_secs_f64(),
        },
        RunEvent::SlowedDown { failure, until, .. } => EventView::SlowedDown {
            error: error(failure),
            until: *until,
        },
        RunEvent::ModelPaused { model, failure } => EventView::ModelPaused {
            model,
            error: error(failure),
        },
        RunEvent::ModelResumed { model } => EventView::ModelResumed { model },
        RunEvent::StoreUnavailable { reason } => EventView::StoreUnavailable { reason },
        RunEvent::Unreachable { problem } => EventView::Unreachable {
            problem: problem.into(),
        },
        RunEvent::Reloading => EventView::Reloading,
        RunEvent::Stopping => EventView::Stopping,
        // Only a display needs these.
        RunEvent::UploadEnded { .. } | RunEvent::Tick { .. } => return None,
        // `item_view` has these.
        RunEvent::UploadStarted { .. }
        | RunEvent::Accepted { .. }
        | RunEvent::AnswerRecovered { .. }
        | RunEvent::Deduplicated { .. }
        | RunEvent::Received { .. }
        | RunEvent::Done { .. }
        | RunEvent::SetAside { .. }
        | RunEvent::EditKept { .. }
        | RunEvent::Warned { .. }
        | RunEvent::Requeued { .. }
        | RunEvent::LengthUnchecked { .. }
        | RunEvent::OverBudget { .. }
        | RunEvent::Skipped { .. }
        | RunEvent::Failed { .. }
        | RunEvent::OutputFailed { .. } => return None,
        // `source_view` has these, and omits an empty `LeftOut`.
        RunEvent::Scanned { .. }
        | RunEvent::LeftOut { .. }
        | RunEvent::SourceMissing { .. }
        | RunEvent::NotWatched { .. }
        | RunEvent::ScanProblem { .. }
        | RunEvent::SourceReleased { .. } => return None,
    })
}

fn item(id: i64, name: &Path) -> ItemRef {
    ItemRef {
        item: id,
        recording: readable_path(name),
    }
}

fn error(failure: &Failure) -> ErrorView<'_> {
    ErrorView {
        class: failure.class.as_str(),
        message: &failure.message,
    }
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| readable_path(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ErrorClass, JobId};

    #[test]
    fn the_name_of_the_event_comes_first() {
        let (job, name) = (JobId(7), PathBuf::from("a.mp3"));
        let accepted = RunEvent::Accepted { job, name };
        let at = Timestamp::from_millis(0);
        let event = view(&accepted).unwrap();
        let line = to_json_line(&EventLine { event, at }).unwrap();
        assert_eq!(
            line,
            r#"{"event":"accepted","item":7,"recording":"a.mp3","at":"1970-01-01T00:00:00Z"}"#
        );
    }
    #[test]
    fn a_recording_over_the_budget_is_an_event() {
        let event = RunEvent::OverBudget {
            job: JobId(7),
            name: PathBuf::from("a.mp3"),
            failure: Failure::new(ErrorClass::Budget, "over the cap"),
        };
        let line = to_json_line(&view(&event).unwrap()).unwrap();
        assert_eq!(
            line,
            r#"{"event":"over_budget","item":7,"recording":"a.mp3","error":{"class":"budget","message":"over the cap"}}"#
        );
    }

    #[test]
    fn files_left_out_are_an_event() {
        let event = |links| RunEvent::LeftOut {
            source: "talks".to_owned(),
            left_out: LeftOut {
                links,
                ..LeftOut::default()
            },
        };
        let line = to_json_line(&view(&event(2)).unwrap()).unwrap();
        assert_eq!(
            line,
            r#"{"event":"left_out","source":"talks","links":2,"excluded":0,"not_included":0,"by_default":0,"unknown":{}}"#
        );
        assert!(view(&event(0)).is_none());
    }
}
