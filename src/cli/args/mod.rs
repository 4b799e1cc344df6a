//! Command-line arguments, by group of commands. The doc comments are the help texts.

mod items;
mod json;
mod mcp;
mod money;
mod parsers;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod serve;
mod service;
mod setup;
mod since;
mod transcribe;
mod transcripts;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub use items::{AddArgs, CancelArgs, ListArgs, RetryArgs, ShowArgs};
pub use json::{JsonArgs, JsonLinesArgs};
pub use mcp::McpArgs;
pub use money::{PlanArgs, PricesArgs, ReportArgs};
pub use run::{PauseArgs, ResumeArgs, RunArgs, StatusArgs};
#[cfg(feature = "sandbox")]
pub use sandbox::{DemoArgs, SandboxArgs};
pub use serve::ServeArgs;
pub use service::{ServiceArgs, ServiceChangeArgs, ServiceCommand, ServiceStatusArgs};
pub use setup::{InitArgs, ManArgs, NotifyArgs};
pub use since::Since;
use std::path::PathBuf;
pub use transcribe::TranscribeArgs;
pub use transcripts::{AdoptArgs, ExportArgs, OpenArgs, SearchArgs, SpeakersArgs};

/// Turns folders of recordings into transcripts overnight, and never loses one that was paid for.
#[derive(Debug, Parser)]
#[command(version, name = "nightscribe", max_term_width = 100, after_help = format!("{EXIT_CODES}{TRIAL}"))]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Command to run.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  some items failed in this run
  2  invalid usage or configuration
  3  stopped by a hold that needs your action (key, credit, lost or paid transcripts, pause)
  4  another runner is using this state folder
  5  internal error";

/// How to try the program.
const TRIAL: &str = if cfg!(feature = "sandbox") {
    "\n\nTo try nightscribe without an account: nightscribe demo"
} else {
    ""
};

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Configuration file [default: $NIGHTSCRIBE_CONFIG, ./nightscribe.toml,
    /// $XDG_CONFIG_HOME/nightscribe/config.toml, /etc/nightscribe/config.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Increase verbosity (-v debug, -vv trace)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log only what needs a person
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Format of log messages on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// Format of log messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human-readable lines
    Text,
    /// One JSON object per line
    Json,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Transcribe bundled recordings with a local sandbox; needs no account
    #[cfg(feature = "sandbox")]
    Demo(DemoArgs),
    /// Transcribe files, folders and URLs now, without a configuration file
    Transcribe(TranscribeArgs),
    /// Write an annotated configuration file
    Init(InitArgs),
    /// Check configuration, folders, key, service, disk and clock
    Check(JsonLinesArgs),
    /// Scan the sources and queue new recordings; submit nothing
    Scan(JsonArgs),
    /// Add individual files or URLs to the queue
    Add(AddArgs),
    /// Show what a run would submit: files, hours of audio, cost and time needed
    Plan(PlanArgs),
    /// List the prices of the models
    Prices(PricesArgs),
    /// Summarize billed audio, its cost, and what deduplication saved
    Report(ReportArgs),
    /// Scan, submit, poll and save until stopped, or with --once until all work is done
    Run(RunArgs),
    /// Show the queue in the browser, and offer it to programs, until stopped
    Serve(ServeArgs),
    /// Offer the transcripts and the queue to a program such as a chat or an editor (MCP)
    Mcp(McpArgs),
    /// Show counts by state, holds, next expiry, throughput and time left
    Status(StatusArgs),
    /// List items, newest first
    List(ListArgs),
    /// Show one item and all its attempts
    Show(ShowArgs),
    /// Open the transcript of an item
    Open(OpenArgs),
    /// Find words and phrases in the transcripts
    Search(SearchArgs),
    /// List the speakers of a transcript, or name them
    Speakers(SpeakersArgs),
    /// Requeue failed, cancelled or excluded items and reset their attempt counts
    Retry(RetryArgs),
    /// Cancel queued, pending or excluded items; pending ones are no longer polled
    Cancel(CancelArgs),
    /// Pause submissions; pending items are still collected
    Pause(PauseArgs),
    /// Resume submissions after a pause, or of recordings that look paid already
    Resume(ResumeArgs),
    /// Write transcripts again from stored results, without contacting the service
    Export(ExportArgs),
    /// Take transcripts on disk into the queue, for nothing; after its state folder was lost
    Adopt(AdoptArgs),
    /// Send a test message through each notification channel
    Notify(NotifyArgs),
    /// Install, uninstall or inspect a system or user service
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Run a local server that implements the API, for trials and tests
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    /// List the service's models and the purpose of each
    Models(JsonLinesArgs),
    /// Print a shell completion script
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or with --dir write one page per command and that of the configuration
    Man(ManArgs),
}
