//! What can be typed.

use crate::domain::format::Formats;
use crate::domain::{ErrorClass, JobState};
use crate::sandbox::{FAULTS, Faults};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Turns folders of recordings into transcripts overnight, and never loses one that was paid for.
#[derive(Debug, Parser)]
#[command(version, name = "nightscribe", max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  ran, and some items failed in this run
  2  wrong usage or configuration
  3  stopped by a hold that only a person lifts: key rejected, out of credit, paused
  4  another runner holds this state folder
  5  internal error

To see the whole job without an account: nightscribe demo";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file [default: $NIGHTSCRIBE_CONFIG, ./nightscribe.toml,
    /// $XDG_CONFIG_HOME/nightscribe/config.toml, /etc/nightscribe/config.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Say more; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How logs are written on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job with no account: a local sandbox, bundled recordings, their transcripts
    Demo(Demo),
    /// Write the annotated configuration
    Init(Init),
    /// Is everything ready: configuration, folders, key, service, disk, clock
    Check,
    /// Record files in the queue; submit nothing
    Scan,
    /// Record single files or URLs in the queue
    Add(Add),
    /// Scan, submit, poll and save until stopped; with --once, until nothing is left to do
    Run(Run),
    /// Counts by state, what is held and why, next expiry, rate, time left
    Status(Status),
    /// Items, newest first
    List(List),
    /// One item with every attempt it had
    Show(Show),
    /// Put failed items back into the queue, with a fresh attempt budget
    Retry(Retry),
    /// Take items out of the queue; a pending one is no longer polled
    Cancel(Cancel),
    /// Hold submissions; what is pending is still collected
    Pause,
    /// End a pause
    Resume,
    /// Render again from stored results, without the service
    Export(Export),
    /// A local server that speaks the API, for trying and testing
    Sandbox(Sandbox),
    /// The models of the service, with what each is for
    Models,
    /// Print a completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where recordings and transcripts go; new or empty [default: a new folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// The file to write
    #[arg(default_value = "nightscribe.toml")]
    pub path: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
}

/// `add`
#[derive(Debug, Args)]
pub struct Add {
    /// Files, or http(s) URLs that the service fetches itself
    #[arg(required = true, value_name = "PATH|URL")]
    pub what: Vec<PathBuf>,
    /// Take model and options of this source [default: the first]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

/// `run`
#[derive(Debug, Args)]
#[command(after_help = "\
SIGTERM or SIGINT lets requests under way finish (at most 30 seconds), records everything and exits 0.
A second one exits at once; nothing is lost then either.")]
pub struct Run {
    /// One scan, then until nothing is left to do; for cron
    #[arg(long)]
    pub once: bool,
}

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// Show it live until Ctrl-C; in a pipe or with --json, again every second
    #[arg(long)]
    pub watch: bool,
}

/// `list`
#[derive(Debug, Args)]
pub struct List {
    /// Only items in this state; may be repeated
    #[arg(long = "state", value_name = "S")]
    pub states: Vec<JobState>,
    /// Only items of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// An item's ID, or its recording's path or URL
    #[arg(value_name = "ID|PATH")]
    pub what: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `retry`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub struct Retry {
    /// These items, failed or cancelled
    #[arg(group = "which", value_name = "ID")]
    pub ids: Vec<i64>,
    /// Everything that failed
    #[arg(long, group = "which")]
    pub failed: bool,
    /// What failed with this error class
    #[arg(long, group = "which", value_name = "CLASS")]
    pub error: Option<ErrorClass>,
    /// What failed of this source
    #[arg(long, group = "which", value_name = "NAME")]
    pub source: Option<String>,
}

/// `cancel`
#[derive(Debug, Args)]
pub struct Cancel {
    /// The items
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<i64>,
}

/// `export`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Export {
    /// The items
    #[arg(group = "which", value_name = "ID")]
    pub ids: Vec<i64>,
    /// Every item that has a result
    #[arg(long, group = "which")]
    pub all: bool,
    /// txt, json, srt, vtt, md, tsv, lrc, podcast, whisperx, aud or all; may be repeated
    #[arg(long = "format", required = true, value_name = "FORMAT")]
    pub formats: Vec<Formats>,
    /// Write below this folder [default: where the transcripts are]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `sandbox`
#[derive(Debug, Args)]
#[command(after_help = faults())]
pub struct Sandbox {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// From a submission to its transcript
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    pub delay: Duration,
    /// How long a transcript is kept
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    pub retention: Duration,
    /// Something that goes wrong, with its probability; may be repeated
    #[arg(long = "fault", value_name = "NAME=P")]
    pub faults: Vec<Faults>,
    /// Refuse more submissions in any minute with 429
    #[arg(long, value_name = "N")]
    pub submits_per_minute: Option<u32>,
    /// Refuse more polls in any minute with 429
    #[arg(long, value_name = "N")]
    pub polls_per_minute: Option<u32>,
    /// Take only this key [default: any]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

fn faults() -> String {
    let lines: Vec<_> = FAULTS
        .iter()
        .map(|(name, about)| format!("  {name:<13} {about}"))
        .collect();
    format!(
        "Faults:\n{}\n\nGET /sandbox/ledger says what was asked and what would have been paid.",
        lines.join("\n")
    )
}
