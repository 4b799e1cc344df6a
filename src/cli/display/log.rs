//! A run in log lines.

use crate::cli::terminal::{length, shown, visible};
use crate::domain::HoldKind;
use crate::pipeline::event::{Event, Observer};

/// Logs what happens: what a person should see to at `WARN` and above, each step of a recording at `DEBUG`.
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
                    "the source is not there; its items wait"
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
                "not told of new recordings there; they are found by the next scan"
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
                    "cannot be looked at; passed over"
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
                    "its lost answer is found: it was accepted"
                );
            }
            Event::Shared { job, name, from } => {
                tracing::info!(
                    item = job.0,
                    recording = shown(name),
                    from = from.0,
                    "equal content was paid for already"
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
                "is tried again"
            ),
            Event::Skipped { job, name, failure } => tracing::info!(
                item = job.0,
                recording = shown(name),
                reason = visible(&failure.message),
                "left out"
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
                "cannot be written; its result is safe and is written later"
            ),
            Event::Held { hold } if hold.kind == HoldKind::Budget => {
                tracing::info!(
                    hold = hold.kind.as_str(),
                    "nothing is submitted: {}",
                    visible(&hold.message)
                )
            }
            Event::Held { hold } => tracing::error!(
                hold = hold.kind.as_str(),
                reason = visible(&hold.message),
                "nothing is submitted: {}",
                hold.kind.advice()
            ),
            Event::Released { kind } => tracing::info!(hold = kind.as_str(), "submissions go on"),
            Event::PassedOver { span } => tracing::info!(
                "{} were passed over: the machine slept, or its clock was set; what is pending is asked for",
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
                "every request waits {}",
                length(until.since(*now))
            ),
            Event::StoreTrouble { reason } => {
                tracing::error!(
                    reason = visible(reason),
                    "the database cannot be written; it is tried again"
                )
            }
            Event::Stopping => tracing::info!("stopping: requests under way are let finish"),
        }
    }
}
