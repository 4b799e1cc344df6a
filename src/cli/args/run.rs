//! Arguments of `run`, `status`, `pause` and `resume`.

use super::parsers::{count, duration};
use crate::cli::candidates;
use crate::policy::hours::TimeOfDay;
use clap::Args;
use std::time::Duration;

/// Help of the items of `run`.
const RUN_ITEMS_HELP: &str = "Scan, submit only these items, and exit: IDs, ranges (3-7), paths or patterns [default: all items]";

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
On SIGTERM or SIGINT, the run waits at most 30 seconds for in-flight requests and exits with 0.
A second signal exits immediately. Nothing is lost in either case. The last line says what still waits
at the service. On SIGHUP, a daemon reads its configuration and key again.")]
pub struct RunArgs {
    /// Submit only these items, then exit [default: all]
    #[arg(value_name = "ITEM", help = RUN_ITEMS_HELP, conflicts_with_all = ["sources", "dry_run"])]
    pub items: Vec<String>,
    /// Scan once and exit when all work is done; for cron
    #[arg(long)]
    pub once: bool,
    /// Stop submitting at this time of day, collect pending items, then exit
    #[arg(long, value_name = "HH:MM", conflicts_with = "duration")]
    pub until: Option<TimeOfDay>,
    /// Stop submitting after this duration, collect pending items, then exit
    #[arg(long = "for", id = "duration", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Show what would be submitted and its cost; submit nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Submit at most N recordings
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<u64>)]
    pub limit: Option<u64>,
    /// Scan and submit only this source; repeatable
    #[arg(long = "source", value_name = "NAME", add = candidates::sources())]
    pub sources: Vec<String>,
    /// Print one JSON object per event on standard output; the last one is the summary
    #[arg(long, conflicts_with = "dry_run")]
    pub events: bool,
    /// With --dry-run, print one JSON object
    #[arg(long, requires = "dry_run")]
    pub json: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Refresh until q or Ctrl-C, with keys: arrows, f for failures, / for a filter; in a pipe or with --json, print again every second
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of `pause`.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Resume at this time of day
    #[arg(long, value_name = "HH:MM")]
    pub until: Option<TimeOfDay>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Submit and pay for the recordings that are held because they look paid already
    #[arg(long)]
    pub submit_anyway: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
