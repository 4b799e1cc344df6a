//! Progress output of a run.
//!
//! - [`log`]: log lines
//! - [`terminal`]: progress bars and counts on a terminal
//! - [`systemd`]: notifications to systemd
//! - [`estimate`]: throughput and time left

pub(super) mod estimate;
pub(super) mod log;
pub(super) mod systemd;
pub(super) mod terminal;

use super::args::Global;
use super::logging::has_display;
use crate::domain::HoldKind;
use crate::pipeline::event::{Event, Observer};
use crate::pipeline::runner::Summary;
use crate::policy::hours::Opening;
use log::LogDisplay;
use std::sync::Arc;
use systemd::ServiceManager;
use terminal::TerminalDisplay;

/// Progress output of a run: on a terminal or in a log, and to systemd.
pub(super) struct Display {
    output: ProgressOutput,
    manager: ServiceManager,
}

enum ProgressOutput {
    Log(LogDisplay),
    Terminal(TerminalDisplay),
}

/// Creates the display of a run. It shows progress bars on a terminal and logs otherwise.
pub(super) fn of_run(global: &Global) -> Arc<Display> {
    let output = if has_display(global) {
        ProgressOutput::Terminal(TerminalDisplay::new())
    } else {
        ProgressOutput::Log(LogDisplay)
    };
    Arc::new(Display {
        output,
        manager: ServiceManager::of_process(),
    })
}

impl Observer for Display {
    fn notice(&self, event: &Event) {
        match &self.output {
            ProgressOutput::Log(log) => log.notice(event),
            ProgressOutput::Terminal(terminal) => terminal.notice(event),
        }
        self.manager.notice(event);
    }
}

impl Display {
    /// Removes the progress bars at the end of the run.
    pub(super) fn end(&self) {
        if let ProgressOutput::Terminal(terminal) = &self.output {
            terminal.end();
        }
    }

    /// Prints a one-line summary of the run.
    pub(super) fn summarize(&self, summary: &Summary) {
        let line = summary_line(summary);
        match &self.output {
            ProgressOutput::Log(_) => tracing::info!("{line}"),
            ProgressOutput::Terminal(_) => terminal::say(&line),
        }
    }
}

fn summary_line(summary: &Summary) -> String {
    let mut parts = vec![
        format!("{} done", summary.done),
        format!("{} failed", summary.failed),
    ];
    if summary.unwritten {
        parts.push(
            "some transcripts are not written yet; their results are safe in the database"
                .to_owned(),
        );
    }
    if summary.unreachable {
        parts.push("the service could not be reached; the remaining items stay queued".to_owned());
    }
    if summary.queued && summary.opening != Opening::Now {
        parts.push(format!(
            "the remaining items stay queued: {}",
            summary.opening
        ));
    }
    parts.extend(summary.holds.iter().map(|hold| match hold.kind {
        HoldKind::Budget => format!("held (budget): {}", hold.message),
        kind => format!("held ({kind}): {}", kind.advice()),
    }));
    parts.join(", ")
}
