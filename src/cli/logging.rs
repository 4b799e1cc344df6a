//! Log output on standard error.

use super::args::{Command, GlobalArgs, LogFormat};
use super::display::terminal::AboveBarsWriter;
use super::journal::{self, Priority};
use crate::config::Config;
use std::io::IsTerminal;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Installs the log subscriber.
///
/// The default level is `WARN`. It is `INFO` for `run` and `scan` without a display.
pub(super) fn init(global: &GlobalArgs, command: &Command) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::WARN,
        (_, 0) if matches!(command, Command::Run(_) | Command::Scan(_)) && !has_display(global) => {
            LevelFilter::INFO
        }
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    // Dependencies such as the container parser report details of the input without naming the file. Their errors that
    // matter are returned, and reported with the file.
    let others = if level == LevelFilter::TRACE {
        LevelFilter::DEBUG
    } else {
        LevelFilter::OFF
    };
    let filter = Targets::new()
        .with_default(others)
        .with_target("nightscribe", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(LogWriter)
        .with_target(false);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let layer = match global.log_format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        // The journal dates each line itself.
        LogFormat::Text if journal::is_connected() => layer.without_time().with_ansi(false).boxed(),
        LogFormat::Text => layer
            .with_ansi(std::io::stderr().is_terminal() && !no_color)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
}

/// Creates the writer of each log message.
struct LogWriter;

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = AboveBarsWriter;

    fn make_writer(&'a self) -> AboveBarsWriter {
        AboveBarsWriter::new(Priority::Info)
    }

    fn make_writer_for(&'a self, message: &Metadata<'_>) -> AboveBarsWriter {
        AboveBarsWriter::new((*message.level()).into())
    }
}

/// Whether a run shows its progress on the terminal instead of in a log.
pub(super) fn has_display(global: &GlobalArgs) -> bool {
    std::io::stderr().is_terminal() && !global.quiet && global.log_format == LogFormat::Text
}

/// Warns if the configuration has no source.
pub(super) fn warn_without_sources(config: &Config) {
    if config.sources.is_empty() {
        tracing::warn!("no [[source]] is configured, so no recordings are found");
    }
}
