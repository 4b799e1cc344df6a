//! Progress output of a run.
//!
//! - [`log`]: log lines
//! - [`terminal`]: progress bars and counts on a terminal
//! - [`systemd`]: notifications to systemd
//! - `run_lines`: text of the progress; `follow`: updates of it
//! - `events`: events as JSON; `event_view`: their form
//! - `event_text`: messages that both share
//! - `summary_text`: one-line summary of a run
//! - `awaited_now`: what waits at the service at the moment

mod awaited_now;
mod event_text;
pub(super) mod event_view;
mod events;
mod follow;
pub(super) mod log;
mod run_lines;
mod summary_text;
pub(super) mod systemd;
pub(super) mod terminal;

use super::args::GlobalArgs;
use super::exit::CommandError;
use super::logging::has_display;
use super::terminal::printable_path;
use crate::pipeline::Summary;
use crate::pipeline::event::{Observer, RunEvent};
use crate::runtime::clock::{Clock, SystemClock};
use awaited_now::AwaitedNow;
use events::EventWriter;
use log::LogDisplay;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use summary_text::summary_line;
use systemd::SystemdNotifier;
use terminal::TerminalDisplay;

/// Progress output of a run: on a terminal or in a log, and to systemd.
pub(super) struct RunDisplay {
    output: ProgressOutput,
    manager: SystemdNotifier,
    awaited: AwaitedNow,
    events: Option<EventWriter>,
    /// Where the transcripts are, for the summary. Empty until the display follows a run.
    transcripts: OnceLock<String>,
}

enum ProgressOutput {
    Log(LogDisplay),
    Terminal(Box<TerminalDisplay>),
}

/// Creates the display of a run. It shows progress bars on a terminal and logs otherwise. With `has_events`, it also writes
/// the events to standard output, and never shows progress bars.
pub(super) fn for_run(global: &GlobalArgs, has_events: bool) -> Arc<RunDisplay> {
    let output = if has_display(global) && !has_events {
        ProgressOutput::Terminal(Box::new(TerminalDisplay::new()))
    } else {
        ProgressOutput::Log(LogDisplay)
    };
    Arc::new(RunDisplay {
        output,
        manager: SystemdNotifier::from_env(),
        awaited: AwaitedNow::default(),
        events: has_events.then(EventWriter::new),
        transcripts: OnceLock::new(),
    })
}

impl Observer for RunDisplay {
    fn on_event(&self, event: &RunEvent) {
        match &self.output {
            ProgressOutput::Log(log) => log.on_event(event),
            ProgressOutput::Terminal(terminal) => terminal.on_event(event),
        }
        self.manager.on_event(event);
        self.awaited.on_event(event);
        if let Some(events) = &self.events {
            events.on_event(event);
        }
    }
}

impl RunDisplay {
    /// Removes the progress bars at the end of the run.
    pub(super) fn finish(&self) {
        if let ProgressOutput::Terminal(terminal) = &self.output {
            terminal.finish();
        }
    }

    /// Prints a summary of the run, of one line in a log, and what needs a person.
    pub(super) fn summarize(&self, summary: &Summary) {
        let (now, zone) = (SystemClock.now(), SystemClock.zone());
        let advice = summary.awaited.advice(now, &zone);
        if let Some(events) = &self.events {
            events.summarize(summary);
        }
        match &self.output {
            ProgressOutput::Log(_) => log::summarize(summary, advice.as_deref()),
            ProgressOutput::Terminal(terminal) => {
                terminal::print_line(&summary_line(summary));
                let transcripts = self.transcripts.get().map(String::as_str);
                terminal.summarize(summary.failed, transcripts);
                advice
                    .iter()
                    .for_each(|advice| terminal::print_warning(advice));
            }
        }
    }

    /// Prints what waits at the service when a second signal ends the process.
    pub(super) fn last_words(&self) {
        let (now, zone) = (SystemClock.now(), SystemClock.zone());
        let awaited = self.awaited.results();
        let Some(advice) = awaited.advice(now, &zone) else {
            return;
        };
        match &self.output {
            ProgressOutput::Log(_) => log::awaited(&awaited, &advice),
            ProgressOutput::Terminal(_) => terminal::print_warning(&advice),
        }
    }

    /// Reports that the run goes on with a new configuration.
    pub(super) fn reloaded(&self, file: Option<&Path>) {
        let file = file.map(printable_path).unwrap_or_default();
        let message = format!("the configuration was read again from {file}");
        match &self.output {
            ProgressOutput::Log(_) => tracing::info!("{message}"),
            ProgressOutput::Terminal(_) => terminal::print_line(&message),
        }
    }

    /// Reports that the run goes on with its configuration, because the new one cannot be used.
    pub(super) fn reload_failed(&self, error: &CommandError) {
        let reason = error.one_line();
        let message = "cannot use the new configuration; the earlier one stays in force";
        match &self.output {
            ProgressOutput::Log(_) => tracing::error!(reason, "{message}"),
            ProgressOutput::Terminal(_) => terminal::print_warning(&format!("{message}: {reason}")),
        }
        self.manager.reload_failed();
    }
}
