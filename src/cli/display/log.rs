//! Progress of a run as log lines.

use super::event_text::{NAME_REJECTED, imported};
use super::summary_text::summary_line;
use crate::cli::terminal::{escape_control_chars, format_duration, printable_path};
use crate::domain::{AwaitedResults, HoldKind, Problem, Timestamp};
use crate::pipeline::Summary;
use crate::pipeline::event::{Observer, RunEvent};
use tracing::field::display;

/// Logs the events of a run.
///
/// Only what needs a person is logged at `WARN` and above, since `--quiet` shows it alone. Single steps of a recording
/// are logged at `DEBUG`.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct LogDisplay;

/// Logs the summary of a run, and on a line of its own what needs a person and was not logged during the run.
pub(super) fn summarize(summary: &Summary, awaited_advice: Option<&str>) {
    tracing::info!("{}", summary_line(summary));
    for problem in &summary.problems {
        if let Problem::Unreachable { .. } | Problem::ModelFailing { .. } = problem {
            log_problem(problem);
        }
    }
    if let Some(advice) = awaited_advice {
        awaited(&summary.awaited, advice);
    }
}

/// Logs what waits at the service.
pub(super) fn awaited(awaited: &AwaitedResults, advice: &str) {
    let expiry = |time: Option<Timestamp>| time.map(display);
    tracing::warn!(
        pending = awaited.pending,
        uncertain = awaited.uncertain,
        first_expiry = expiry(awaited.first_expiry),
        last_expiry = expiry(awaited.last_expiry),
        "{advice}"
    );
}

fn log_problem(problem: &Problem) {
    tracing::error!(
        problem = problem.kind(),
        "{}. {}",
        escape_control_chars(&problem.message()),
        problem.advice()
    );
}

impl Observer for LogDisplay {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Started { recovered } => tracing::info!(
                pending = recovered.pending,
                received = recovered.received,
                uncertain = recovered.uncertain,
                "started"
            ),
            RunEvent::Scanned { source, scan } if scan.new + scan.changed + scan.unsettled > 0 => {
                tracing::info!(
                    source,
                    found = scan.found,
                    new = scan.new,
                    changed = scan.changed,
                    unsettled = scan.unsettled,
                    "scanned"
                )
            }
            RunEvent::Scanned { source, scan } => {
                tracing::debug!(source, found = scan.found, "scanned: nothing new")
            }
            RunEvent::LeftOut { source, left_out } if left_out.is_empty() => {
                tracing::trace!(source, "no file was passed over")
            }
            RunEvent::LeftOut { source, left_out } => {
                tracing::debug!(
                    source,
                    files = escape_control_chars(&left_out.to_string()),
                    "left out"
                )
            }
            RunEvent::SourceMissing {
                source,
                path,
                reason,
            } => {
                tracing::warn!(
                    source,
                    path = printable_path(path),
                    reason = escape_control_chars(reason),
                    "the source folder is missing; its items wait"
                );
            }
            RunEvent::NotWatched {
                source,
                path,
                reason,
            } => tracing::warn!(
                source,
                path = printable_path(path),
                reason = escape_control_chars(reason),
                "cannot watch the folder; the next scan finds new recordings"
            ),
            RunEvent::ScanProblem {
                source,
                path,
                reason,
            } => {
                tracing::warn!(
                    source,
                    path = printable_path(path),
                    reason = escape_control_chars(reason),
                    "cannot be read; skipped"
                );
            }
            RunEvent::UploadStarted {
                job,
                name,
                size_bytes,
                ..
            } => {
                tracing::debug!(
                    item = job.0,
                    recording = printable_path(name),
                    bytes = size_bytes,
                    "sending"
                );
            }
            RunEvent::UploadEnded { .. } | RunEvent::Tick { .. } => {}
            RunEvent::Accepted { job, name } => {
                tracing::info!(item = job.0, recording = printable_path(name), "submitted")
            }
            RunEvent::AnswerRecovered { job, name } => {
                tracing::info!(
                    item = job.0,
                    recording = printable_path(name),
                    "the response was lost, but the service accepted the submission"
                );
            }
            RunEvent::Deduplicated { job, name, from } => {
                tracing::info!(
                    item = job.0,
                    recording = printable_path(name),
                    from = from.0,
                    "duplicate; reusing the existing result"
                );
            }
            RunEvent::Imported { count } => tracing::info!("{}", imported(*count)),
            RunEvent::Received { job, name, .. } => {
                tracing::debug!(item = job.0, recording = printable_path(name), "received")
            }
            RunEvent::Done {
                job, name, silent, ..
            } => {
                tracing::info!(
                    item = job.0,
                    recording = printable_path(name),
                    silent,
                    "done"
                );
            }
            RunEvent::SetAside { job, name, kept } => tracing::info!(
                item = job.0,
                recording = printable_path(name),
                kept = kept.0,
                "done; the earlier transcript is better and stays"
            ),
            RunEvent::EditKept { job, name, file } => tracing::warn!(
                item = job.0,
                recording = printable_path(name),
                kept = printable_path(&file.path),
                new = printable_path(&file.new),
                "the transcript was edited, so it is kept; the new one is next to it"
            ),
            RunEvent::NameRejected { rejected, written } => tracing::info!(
                rejected = printable_path(rejected),
                written = printable_path(written),
                "{NAME_REJECTED}"
            ),
            RunEvent::Warned {
                job,
                name,
                warnings,
            } => {
                for warning in warnings {
                    tracing::warn!(
                        item = job.0,
                        recording = printable_path(name),
                        warning = warning.as_str(),
                        "{warning}"
                    );
                }
            }
            RunEvent::Requeued {
                job,
                name,
                failure,
                due,
            } => tracing::info!(
                item = job.0,
                recording = printable_path(name),
                error = failure.class.as_str(),
                reason = escape_control_chars(&failure.message),
                next = %due,
                "attempt failed; it will be retried"
            ),
            RunEvent::LengthUnchecked { job, name } => tracing::info!(
                item = job.0,
                recording = printable_path(name),
                "its length is unknown, so min_duration and max_duration do not apply"
            ),
            RunEvent::OverBudget { job, name, failure } => tracing::warn!(
                item = job.0,
                recording = printable_path(name),
                reason = escape_control_chars(&failure.message),
                "waits for the budget"
            ),
            RunEvent::Skipped { job, name, failure } => tracing::info!(
                item = job.0,
                recording = printable_path(name),
                reason = escape_control_chars(&failure.message),
                "excluded"
            ),
            RunEvent::Failed { job, name, failure } => tracing::error!(
                item = job.0,
                recording = printable_path(name),
                error = failure.class.as_str(),
                reason = escape_control_chars(&failure.message),
                "failed"
            ),
            RunEvent::OutputFailed {
                job, name, failure, ..
            } => tracing::error!(
                item = job.0,
                recording = printable_path(name),
                reason = escape_control_chars(&failure.message),
                "cannot write the transcript; the result is stored and will be written later"
            ),
            RunEvent::Held { hold } if hold.kind == HoldKind::Budget => {
                tracing::info!(
                    hold = hold.kind.as_str(),
                    "submissions held: {}",
                    escape_control_chars(&hold.message)
                )
            }
            RunEvent::Held { hold } => tracing::error!(
                hold = hold.kind.as_str(),
                reason = escape_control_chars(&hold.message),
                "submissions held: {}",
                hold.kind.advice()
            ),
            RunEvent::Released { kind } => {
                tracing::info!(hold = kind.as_str(), "submissions resumed")
            }
            RunEvent::SourceReleased { source } => tracing::info!(
                source = escape_control_chars(source),
                "submissions of this source resumed"
            ),
            RunEvent::ClockJumped { span } => tracing::info!(
                "the clock jumped by {}: the machine slept or its clock was set; polling pending items",
                format_duration(*span)
            ),
            RunEvent::WindowChanged { opening } => tracing::info!("{opening}"),
            RunEvent::SlowedDown {
                failure,
                until,
                now,
            } => tracing::info!(
                error = failure.class.as_str(),
                reason = escape_control_chars(&failure.message),
                "all requests pause for {}",
                format_duration(until.since(*now))
            ),
            RunEvent::ModelPaused { model, failure } => tracing::info!(
                model = escape_control_chars(model),
                error = failure.class.as_str(),
                reason = escape_control_chars(&failure.message),
                "recordings for this model wait; others go on"
            ),
            RunEvent::ModelResumed { model } => tracing::info!(
                model = escape_control_chars(model),
                "submissions for this model resumed"
            ),
            RunEvent::StoreUnavailable { reason } => {
                tracing::error!(
                    reason = escape_control_chars(reason),
                    "cannot write to the database; retrying"
                )
            }
            RunEvent::Unreachable { problem } => log_problem(problem),
            RunEvent::Reloading => {
                tracing::info!("reading the configuration again: waiting for in-flight requests")
            }
            RunEvent::Stopping => tracing::info!("stopping: waiting for in-flight requests"),
        }
    }
}
