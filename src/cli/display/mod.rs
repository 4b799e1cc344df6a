//! A run as it is shown.
//!
//! - [`log`]: in log lines
//! - [`terminal`]: on a terminal, with bars and counts
//! - [`systemd`]: to the service manager
//! - [`estimate`]: time left

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

/// Everything that shows a run of this process.
pub(super) struct Display {
    shown: Shown,
    manager: ServiceManager,
}

enum Shown {
    Log(LogDisplay),
    Terminal(TerminalDisplay),
}

/// On a terminal with bars, elsewhere in a log; always to the service manager, if there is one.
pub(super) fn of_run(global: &Global) -> Arc<Display> {
    let shown = if has_display(global) {
        Shown::Terminal(TerminalDisplay::new())
    } else {
        Shown::Log(LogDisplay)
    };
    Arc::new(Display {
        shown,
        manager: ServiceManager::of_process(),
    })
}

impl Observer for Display {
    fn notice(&self, event: &Event) {
        match &self.shown {
            Shown::Log(log) => log.notice(event),
            Shown::Terminal(terminal) => terminal.notice(event),
        }
        self.manager.notice(event);
    }
}

impl Display {
    /// The run is over: takes the bars away.
    pub(super) fn end(&self) {
        if let Shown::Terminal(terminal) = &self.shown {
            terminal.end();
        }
    }

    /// One line that says what the run came to.
    pub(super) fn summarize(&self, summary: &Summary) {
        let line = summary_line(summary);
        match &self.shown {
            Shown::Log(_) => tracing::info!("{line}"),
            Shown::Terminal(_) => terminal::say(&line),
        }
    }
}

fn summary_line(summary: &Summary) -> String {
    let mut parts = vec![
        format!("{} done", summary.done),
        format!("{} failed", summary.failed),
    ];
    if summary.unwritten {
        parts.push("some results could not be written yet and are safe in the database".to_owned());
    }
    if summary.unreachable {
        parts.push("the service could not be reached; what is left is queued".to_owned());
    }
    if summary.queued && summary.opening != Opening::Now {
        parts.push(format!("the rest is queued: {}", summary.opening));
    }
    parts.extend(summary.holds.iter().map(|hold| match hold.kind {
        HoldKind::Budget => format!("held (budget): {}", hold.message),
        kind => format!("held ({kind}): {}", kind.advice()),
    }));
    parts.join(", ")
}
