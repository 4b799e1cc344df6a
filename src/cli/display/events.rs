//! Events of a run as JSON, one object per line: `run --events`.

use super::event_view::{ErrorView, EventLine, EventView, ItemRef};
use crate::cli::json::to_json_line;
use crate::domain::Failure;
use crate::domain::readable_path::readable_path;
use crate::pipeline::Summary;
use crate::pipeline::event::{Observer, RunEvent};
use crate::policy::hours::Opening;
use crate::runtime::clock::{Clock, SystemClock};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;
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

/// Writes an event. The run goes on without a reader. An error of the disk is logged once.
fn write(event: EventView<'_>) {
    static IS_LOGGED: Once = Once::new();
    let at = SystemClock.now();
    if let Ok(line) = to_json_line(&EventLine { event, at }) {
        let mut out = std::io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            IS_LOGGED.call_once(|| tracing::error!(%error, "cannot write the events"));
        }
    }
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
    use crate::domain::{ErrorClass, JobId, Timestamp};
    use crate::source::folder::left_out::LeftOut;

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
