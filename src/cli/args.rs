//! What can be typed.

use super::candidates;
use crate::domain::format::Formats;
use crate::domain::{ErrorClass, JobState};
use crate::policy::hours::TimeOfDay;
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
    /// What a run would submit: files, hours of audio, cost, and how long it takes
    Plan(Plan),
    /// What the models cost
    Prices(Prices),
    /// What was billed, what it cost and what was saved
    Report(ReportArgs),
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
    /// Run as a service of this machine, or of a user: install, uninstall, status
    #[command(subcommand)]
    Service(Service),
    /// A local server that speaks the API, for trying and testing
    Sandbox(Sandbox),
    /// The models of the service, with what each is for
    Models,
    /// Print a completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page; with --dir, write one for every command
    Man(Man),
}

/// `man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write nightscribe.1, nightscribe-run.1 and so on into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
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
    #[arg(long, value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
}

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `prices`
#[derive(Debug, Args)]
pub struct Prices {
    /// Ask the service, and keep what it says
    #[arg(long)]
    pub refresh: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `report` sums up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The source.
    Source,
    /// The model.
    Model,
    /// The day of the submission, by the clock on the wall.
    Day,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Only what was submitted since then: a day (2026-11-01), a time, or a span back from now (7d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// A line for each of these
    #[arg(long, value_name = "WHAT", default_value = "source")]
    pub by: By,
    /// One JSON object
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// Compare with the service's own list of requests, and name every difference
    #[arg(long, conflicts_with = "csv")]
    pub reconcile: bool,
}

/// A time, as `--since` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// The beginning of this day, by the clock on the wall.
    Day(jiff::civil::Date),
    /// This moment.
    At(jiff::Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    let day = || text.parse().map(Since::Day);
    let at = || text.parse().map(Since::At);
    let ago = || humantime::parse_duration(text).map(Since::Ago);
    at().or_else(|_| day()).or_else(|_| ago()).map_err(|_| {
        "expected a day like 2026-11-01, a time like 2026-11-01T22:00:00Z, or a span like 7d"
            .to_owned()
    })
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
    /// Submit until this time of the day, then only collect what is pending, and end
    #[arg(long, value_name = "HH:MM", conflicts_with = "duration")]
    pub until: Option<TimeOfDay>,
    /// Submit for so long, then only collect what is pending, and end
    #[arg(long = "for", id = "duration", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Only say what would be submitted, and what it costs
    #[arg(long)]
    pub dry_run: bool,
    /// Submit so many recordings at most
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
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
    #[arg(long = "state", value_name = "S", add = candidates::states())]
    pub states: Vec<JobState>,
    /// Only items of this source
    #[arg(long, value_name = "NAME", add = candidates::sources())]
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
    #[arg(long, group = "which", value_name = "CLASS", add = candidates::errors())]
    pub error: Option<ErrorClass>,
    /// What failed of this source
    #[arg(long, group = "which", value_name = "NAME", add = candidates::sources())]
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
    #[arg(long = "format", required = true, value_name = "FORMAT", add = candidates::formats())]
    pub formats: Vec<Formats>,
    /// Write below this folder [default: where the transcripts are]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `service`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Service {
    /// Write the service's file from the configuration, and start it; again after the configuration changed
    Install(Whose),
    /// Stop the service and remove its file; the queue and the transcripts stay
    Uninstall(Whose),
    /// Is it installed, up to date, active, and able to work at night
    Status(Whose),
}

/// Whose service.
#[derive(Debug, Args)]
pub struct Whose {
    /// Your own, which runs while you are logged in, or linger [default unless root]
    #[arg(long, conflicts_with = "system")]
    pub user: bool,
    /// The machine's [default as root]
    #[arg(long)]
    pub system: bool,
    /// Take this folder for /, and start nothing; for images and packages
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
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
