//! Log output on standard error.

use super::args::{Command, GlobalArgs, LogFormat};
use super::display::terminal::AboveBarsWriter;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Installs the log subscriber.
///
/// The default level is `WARN`. It is `INFO` for `run` and `scan` without a display.
pub(super) fn init(global: &GlobalArgs, command: &Command) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::WARN,
        (_, 0) if matches!(command, Command::Run(_) | Command::Scan) && !has_display(global) => {
            LevelFilter::INFO
        }
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    // Dependencies such as the container parser warn about details of the input files.
    let others = if level == LevelFilter::TRACE {
        LevelFilter::DEBUG
    } else {
        LevelFilter::ERROR
    };
    let filter = Targets::new()
        .with_default(others)
        .with_target("nightscribe", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(AboveBarsWriter::new)
        .with_target(false);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let layer = match global.log_format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer
            .with_ansi(std::io::stderr().is_terminal() && !no_color)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
}

/// Whether a run shows its progress on the terminal instead of in a log.
pub(super) fn has_display(global: &GlobalArgs) -> bool {
    std::io::stderr().is_terminal() && !global.quiet && global.log_format == LogFormat::Text
}
