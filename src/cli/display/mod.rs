//! Progress output of a run.
//!
//! - [`log`]: log lines
//! - [`terminal`]: progress bars and counts on a terminal
//! - [`systemd`]: notifications to systemd
//! - [`estimate`]: throughput and time left
//! - `event_text`: messages that both share

pub(super) mod estimate;
mod event_text;
pub(super) mod log;
pub(super) mod systemd;
pub(super) mod terminal;

use super::args::GlobalArgs;
use super::logging::has_display;
use super::terminal::escape_control_chars;
use crate::domain::HoldKind;
use crate::pipeline::Summary;
use crate::pipeline::event::{Observer, RunEvent};
use crate::policy::hours::Opening;
use log::LogDisplay;
use std::sync::Arc;
use systemd::SystemdNotifier;
use terminal::TerminalDisplay;

/// Progress output of a run: on a terminal or in a log, and to systemd.
pub(super) struct RunDisplay {
    output: ProgressOutput,
    manager: SystemdNotifier,
}

enum ProgressOutput {
    Log(LogDisplay),
    Terminal(TerminalDisplay),
}

/// Creates the display of a run. It shows progress bars on a terminal and logs otherwise.
pub(super) fn for_run(global: &GlobalArgs) -> Arc<RunDisplay> {
    let output = if has_display(global) {
        ProgressOutput::Terminal(TerminalDisplay::new())
    } else {
        ProgressOutput::Log(LogDisplay)
    };
    Arc::new(RunDisplay {
        output,
        manager: SystemdNotifier::from_env(),
    })
}

impl Observer for RunDisplay {
    fn on_event(&self, event: &RunEvent) {
        match &self.output {
            ProgressOutput::Log(log) => log.on_event(event),
            ProgressOutput::Terminal(terminal) => terminal.on_event(event),
        }
        self.manager.on_event(event);
    }
}

impl RunDisplay {
    /// Removes the progress bars at the end of the run.
    pub(super) fn finish(&self) {
        if let ProgressOutput::Terminal(terminal) = &self.output {
            terminal.finish();
        }
    }

    /// Prints a one-line summary of the run.
    pub(super) fn summarize(&self, summary: &Summary) {
        let line = summary_line(summary);
        match &self.output {
            ProgressOutput::Log(_) => tracing::info!("{line}"),
            ProgressOutput::Terminal(_) => terminal::print_line(&line),
        }
    }
}

fn summary_line(summary: &Summary) -> String {
    let mut parts = vec![
        format!("{} done", summary.done),
        format!("{} failed", summary.failed),
    ];
    if summary.warned > 0 {
        parts.push(format!(
            "{} with warnings; `nightscribe list` shows them",
            summary.warned
        ));
    }
    if summary.unwritten {
        parts.push(
            "some transcripts are not written yet; their results are safe in the database"
                .to_owned(),
        );
    }
    if summary.unreachable {
        parts.push("the service could not be reached; the remaining items stay queued".to_owned());
    }
    if !summary.failing_models.is_empty() {
        parts.push(format!(
            "the service cannot run {} at present; the items for it stay queued",
            escape_control_chars(&summary.failing_models.join(", "))
        ));
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
