//! Progress of a run as log lines.

use crate::cli::terminal::{length, shown, visible};
use crate::domain::HoldKind;
use crate::pipeline::event::{Event, Observer};

/// Logs the events of a run.
///
/// Problems that may need action are logged at `WARN` and above, single steps of a recording at `DEBUG`.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct LogDisplay;

impl Observer for LogDisplay {
    fn notice(&self, event: &Event) {
        match event {
            Event::Started { recovered } => tracing::info!(
                pending = recovered.pending,
                received = recovered.received,
                uncertain = recovered.uncertain,
                "started"
            ),
            Event::Scanned { source, scan } if scan.new + scan.changed + scan.unsettled > 0 => {
                tracing::info!(
                    source,
                    found = scan.found,
                    new = scan.new,
                    changed = scan.changed,
                    unsettled = scan.unsettled,
                    "scanned"
                )
            }
            Event::Scanned { source, scan } => {
                tracing::debug!(source, found = scan.found, "scanned: nothing new")
            }
            Event::SourceGone {
                source,
                path,
                reason,
            } => {
                tracing::warn!(
                    source,
                    path = shown(path),
                    reason = visible(reason),
                    "the source folder is missing; its items wait"
                );
            }
            Event::NotWatched {
                source,
                path,
                reason,
            } => tracing::warn!(
                source,
                path = shown(path),
                reason = visible(reason),
                "cannot watch the folder; the next scan finds new recordings"
            ),
            Event::ScanProblem {
                source,
                path,
                reason,
            } => {
                tracing::warn!(
                    source,
                    path = shown(path),
                    reason = visible(reason),
                    "cannot be read; skipped"
                );
            }
            Event::Sending {
                job,
                name,
                size_bytes,
                ..
            } => {
                tracing::debug!(
                    item = job.0,
                    recording = shown(name),
                    bytes = size_bytes,
                    "sending"
                );
            }
            Event::Sent { .. } | Event::Tick { .. } => {}
            Event::Accepted { job, name } => {
                tracing::info!(item = job.0, recording = shown(name), "submitted")
            }
            Event::FoundAgain { job, name } => {
                tracing::info!(
                    item = job.0,
                    recording = shown(name),
                    "the response was lost, but the service accepted the submission"
                );
            }
            Event::Shared { job, name, from } => {
                tracing::info!(
                    item = job.0,
                    recording = shown(name),
                    from = from.0,
                    "duplicate; reusing the existing result"
                );
            }
            Event::Received { job, name, .. } => {
                tracing::debug!(item = job.0, recording = shown(name), "received")
            }
            Event::Done {
                job, name, silent, ..
            } => {
                tracing::info!(item = job.0, recording = shown(name), silent, "done");
            }
            Event::PutBack {
                job,
                name,
                failure,
                due,
            } => tracing::info!(
                item = job.0,
                recording = shown(name),
                error = failure.class.as_str(),
                reason = visible(&failure.message),
                next = %due,
                "attempt failed; it will be retried"
            ),
            Event::Skipped { job, name, failure } => tracing::info!(
                item = job.0,
                recording = shown(name),
                reason = visible(&failure.message),
                "excluded"
            ),
            Event::Failed { job, name, failure } => tracing::error!(
                item = job.0,
                recording = shown(name),
                error = failure.class.as_str(),
                reason = visible(&failure.message),
                "failed"
            ),
            Event::NotWritten {
                job, name, failure, ..
            } => tracing::error!(
                item = job.0,
                recording = shown(name),
                reason = visible(&failure.message),
                "cannot write the transcript; the result is stored and will be written later"
            ),
            Event::Held { hold } if hold.kind == HoldKind::Budget => {
                tracing::info!(
                    hold = hold.kind.as_str(),
                    "submissions held: {}",
                    visible(&hold.message)
                )
            }
            Event::Held { hold } => tracing::error!(
                hold = hold.kind.as_str(),
                reason = visible(&hold.message),
                "submissions held: {}",
                hold.kind.advice()
            ),
            Event::Released { kind } => tracing::info!(hold = kind.as_str(), "submissions resumed"),
            Event::PassedOver { span } => tracing::info!(
                "the clock jumped by {}: the machine slept or its clock was set; polling pending items",
                length(*span)
            ),
            Event::Hours { opening } => tracing::info!("{opening}"),
            Event::SlowedDown {
                failure,
                until,
                now,
            } => tracing::warn!(
                error = failure.class.as_str(),
                reason = visible(&failure.message),
                "all requests pause for {}",
                length(until.since(*now))
            ),
            Event::StoreTrouble { reason } => {
                tracing::error!(
                    reason = visible(reason),
                    "cannot write to the database; retrying"
                )
            }
            Event::Stopping => tracing::info!("stopping: waiting for in-flight requests"),
        }
    }
}
