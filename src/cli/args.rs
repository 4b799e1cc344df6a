//! Command-line arguments. The doc comments are the help texts.

use super::candidates;
use crate::app::billing::GroupBy;
use crate::domain::format::FormatSelection;
use crate::domain::{ErrorClass, Format, JobState};
use crate::policy::hours::TimeOfDay;
use crate::store::sqlite::items::ItemOrder;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use nightscribe_sandbox::{FAULTS, Faults};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Turns folders of recordings into transcripts overnight, and never loses one that was paid for.
#[derive(Debug, Parser)]
#[command(version, name = "nightscribe", max_term_width = 100, after_help = EXIT_CODES)]
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
  5  internal error

To try nightscribe without an account: nightscribe demo";

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
    /// Show counts by state, holds, next expiry, throughput and time left
    Status(StatusArgs),
    /// List items, newest first
    List(ListArgs),
    /// Show one item and all its attempts
    Show(ShowArgs),
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

/// Option of commands with one result.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Option of commands with a list of results.
#[derive(Debug, Args)]
pub struct JsonLinesArgs {
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write nightscribe.1, nightscribe-run.1 and so on, and nightscribe.toml.5 to this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for recordings and transcripts; must be new or empty [default: a new temporary folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Arguments of `transcribe`.
#[derive(Debug, Args)]
#[command(after_help = "\
The text of one file or URL is written to standard output. The transcripts of several, of a folder and of a list
are written to files: DIR/NAME.txt, and those of a subfolder to DIR/SUBFOLDER/NAME.txt. With --json, the text is in the
objects, and files are written only with -o or -f.

The key is read from the environment variable AIMLAPI_KEY. No configuration file is read. The queue is in
$XDG_STATE_HOME/nightscribe, by default ~/.local/state/nightscribe. The queue of a configuration is another one.
The same command after an interruption goes on where it stopped, and again after its end it costs nothing.")]
pub struct TranscribeArgs {
    /// Files, folders, or http(s) URLs for the service to download; `-` reads a list of them from standard input
    #[arg(required = true, value_name = "FILE|FOLDER|URL|-")]
    pub what: Vec<PathBuf>,
    /// Model; `nightscribe models` lists them
    #[arg(short, long, value_name = "MODEL", default_value = "nova-2-general")]
    pub model: String,
    /// Language, as a code or an English name [default: detected, if the model can]
    #[arg(short, long, value_name = "LANG")]
    pub language: Option<String>,
    /// Name the speaker of each turn
    #[arg(long)]
    pub diarize: bool,
    /// Formats of the files.
    #[arg(
        short = 'f',
        long = "output-format",
        id = "formats",
        visible_aliases = ["output_format", "format"],
        value_delimiter = ',',
        value_name = "FORMAT",
        help = formats_help(),
        add = candidates::formats()
    )]
    pub formats: Vec<FormatSelection>,
    /// Write files to this folder [default: the working folder]
    #[arg(short, long = "output-dir", visible_aliases = ["output_dir", "dir"], value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Print one JSON object per recording, with its text
    #[arg(long)]
    pub json: bool,
    /// Use a local sandbox instead of the service; needs no key and makes up the words
    #[arg(long)]
    pub sandbox: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// File to write, or a folder of recordings to fill in [default file: --config, or nightscribe.toml]
    pub path: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Files, or http(s) URLs for the service to download
    #[arg(required = true, value_name = "PATH|URL")]
    pub what: Vec<PathBuf>,
    /// Source that supplies model and options [default: the first]
    #[arg(long, value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prices`.
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// Fetch current prices from the service and store them
    #[arg(long)]
    pub refresh: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

impl ValueEnum for ItemOrder {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Newest,
            Self::Oldest,
            Self::Path,
            Self::Longest,
            Self::Changed,
            Self::Confidence,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Newest => ("newest", "Newest first"),
            Self::Oldest => ("oldest", "Oldest first"),
            Self::Path => ("path", "By path"),
            Self::Longest => ("longest", "Longest recording first"),
            Self::Changed => ("changed", "Last changed first"),
            Self::Confidence => (
                "confidence",
                "Lowest mean confidence first, with the figures of the transcripts",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for GroupBy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Source, Self::Model, Self::Day]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Source => ("source", "Source"),
            Self::Model => ("model", "Model"),
            Self::Day => ("day", "Day of submission, in local time"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Include submissions since WHEN: a day (2026-11-01), a time, or a duration before now (7d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// Print one line per source, model or day
    #[arg(long, value_name = "GROUP", default_value = "source")]
    pub by: GroupBy,
    /// Print one JSON object
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// Compare with the service's list of charges and print every difference
    #[arg(long, conflicts_with = "csv")]
    pub reconcile: bool,
    /// Print the quality of the transcripts instead: confidence, share of speech, repetitions and languages
    #[arg(long, conflicts_with_all = ["csv", "reconcile"])]
    pub quality: bool,
}

/// Value of `--since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Duration before now.
    Ago(Duration),
    /// Start of this day, in local time.
    Day(jiff::civil::Date),
    /// Point in time.
    Time(jiff::Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    let day = || text.parse().map(Since::Day);
    let at = || text.parse().map(Since::Time);
    let ago = || humantime::parse_duration(text).map(Since::Ago);
    at().or_else(|_| day()).or_else(|_| ago()).map_err(|_| {
        "expected a day like 2026-11-01, a time like 2026-11-01T22:00:00Z, or a duration like 7d"
            .to_owned()
    })
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
On SIGTERM or SIGINT, the run waits at most 30 seconds for in-flight requests and exits with 0.
A second signal exits immediately. Nothing is lost in either case. The last line says what still waits
at the service. On SIGHUP, a daemon reads its configuration and key again.")]
pub struct RunArgs {
    /// Scan once and exit when all work is done; for cron
    #[arg(long)]
    pub once: bool,
    /// Stop submitting at this time of day, collect pending items, then exit
    #[arg(long, value_name = "HH:MM", conflicts_with = "duration")]
    pub until: Option<TimeOfDay>,
    /// Stop submitting after this duration, collect pending items, then exit
    #[arg(long = "for", id = "duration", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Show what would be submitted and its cost; submit nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Submit at most N recordings
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
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
    /// Refresh until Ctrl-C; in a pipe or with --json, print again every second
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List only items in this state; repeatable
    #[arg(long = "state", value_name = "S", add = candidates::states())]
    pub states: Vec<JobState>,
    /// List only failed items; short for --state failed
    #[arg(long)]
    pub failed: bool,
    /// List only items of this source
    #[arg(long, value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// List only items whose path contains TEXT, in any case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// List only items changed since WHEN: a day (2026-11-01), a time, or a duration before now (7d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// Order of the items
    #[arg(long, value_name = "ORDER", default_value = "newest")]
    pub sort: ItemOrder,
    /// List at most N items
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<usize>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Help of the words that select items.
const ITEMS_HELP: &str =
    "IDs, ranges of IDs (3-7), paths, patterns ('*.mp3') or URLs; - reads them from standard input";

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Items to show
    #[arg(required = true, value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Print one JSON object per item
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `speakers`.
#[derive(Debug, Args)]
#[command(after_help = "\
The names belong to the recording. Its transcripts are written again from the stored result, without
contacting the service, and later ones have the names, too. An empty name (0=) removes one. The table
[speakers] of a source or of a folder's .nightscribe.toml names the speakers of all its recordings.")]
pub struct SpeakersArgs {
    /// Item ID, or the path or URL of its recording
    #[arg(value_name = "ID|PATH")]
    pub what: String,
    /// Name for a speaker, as in 0=Anna; for a channel its number from 0
    #[arg(value_name = "SPEAKER=NAME", value_parser = speaker_name)]
    pub names: Vec<(String, String)>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "names")]
    pub json: bool,
}

fn speaker_name(text: &str) -> Result<(String, String), String> {
    let (speaker, name) = text
        .split_once('=')
        .ok_or("expected a speaker and a name, as in 0=Anna")?;
    Ok((speaker.trim().to_owned(), name.trim().to_owned()))
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true).multiple(true),
    after_help = "\
With --low-quality, a run submits the recordings within the budget. The earlier results stay stored, and
`export` writes them again. A transcript that was edited is kept."
)]
pub struct RetryArgs {
    /// Failed, cancelled or excluded items to retry
    #[arg(group = "which", value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Retry all failed items
    #[arg(long, group = "which")]
    pub failed: bool,
    /// Retry failed items with this error class
    #[arg(long, group = "which", value_name = "CLASS", add = candidates::errors())]
    pub error: Option<ErrorClass>,
    /// Retry failed items of this source
    #[arg(long, group = "which", value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// Submit the items although their files are truncated
    #[arg(long, requires = "items")]
    pub as_is: bool,
    /// Transcribe recordings again whose transcript has a mean confidence below BELOW (0 to 1)
    #[arg(
        long,
        group = "which",
        value_name = "BELOW",
        value_parser = confidence,
        requires = "model",
        conflicts_with_all = ["items", "failed", "error"]
    )]
    pub low_quality: Option<f64>,
    /// Model for these recordings
    #[arg(long, value_name = "MODEL", requires = "low_quality", add = candidates::models())]
    pub model: Option<String>,
    /// Write the new transcript only if its confidence is higher [default: replace the earlier one]
    #[arg(long, requires = "low_quality")]
    pub keep_better: bool,
    /// Show the number of these recordings, their length and the cost; queue nothing
    #[arg(long, requires = "low_quality")]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn confidence(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok();
    let valid = parsed.filter(|below| *below > 0.0 && *below <= 1.0);
    valid.ok_or_else(|| "expected a confidence above 0 and at most 1, as in 0.7".to_owned())
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// Items to cancel
    #[arg(required = true, value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
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

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct ExportArgs {
    /// Items to export
    #[arg(group = "which", value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Export every item that has a result
    #[arg(long, group = "which")]
    pub all: bool,
    /// Write again every transcript that changed settings, names or replacements change; leave all others
    #[arg(long, group = "which", conflicts_with_all = ["formats", "dir"])]
    pub changed: bool,
    /// Output formats
    #[arg(
        long = "format",
        id = "formats",
        required_unless_present = "changed",
        value_name = "FORMAT",
        help = format_help(),
        add = candidates::formats()
    )]
    pub formats: Vec<FormatSelection>,
    /// Folder to write to [default: the configured output folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Replace transcripts that were edited [default: keep them and write NAME.new.EXT]
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `adopt`.
#[derive(Debug, Args)]
#[command(after_help = "\
A transcript is taken over if its .json file was made from a recording of equal content. The recordings are
then done, and are not submitted. A run does the same by itself, but only with the configured model and
options. Adopting a folder again changes nothing.")]
pub struct AdoptArgs {
    /// Folder with transcripts [default: the configured output folder]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
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

/// Arguments of `notify`.
#[derive(Debug, Args)]
pub struct NotifyArgs {
    /// Send a test message; nothing else is sent by this command
    #[arg(long, required = true)]
    pub test: bool,
    /// Print one JSON object per channel
    #[arg(long)]
    pub json: bool,
}

/// Returns the help of `--format`, which lists every format.
fn format_help() -> String {
    let names = Format::ALL.map(Format::as_str).join(", ");
    format!("Output format: {names} or all (except docx); repeatable")
}

/// Returns the help of `transcribe --output-format`, which lists every format.
fn formats_help() -> String {
    let names = Format::ALL.map(Format::as_str).join(", ");
    format!(
        "Write files in these formats: {names} or all (except docx); separated by commas [default: txt]"
    )
}

/// Subcommands of `service`.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum ServiceCommand {
    /// Write the service file and start the service; repeat after changing the configuration
    Install(ServiceArgs),
    /// Stop the service and remove its file; the queue and the transcripts are kept
    Uninstall(ServiceArgs),
    /// Check that the service is installed, up to date, active and able to run unattended
    Status(ServiceStatusArgs),
}

/// Options of the `service` commands.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// User service; runs while you are logged in, or always with lingering [default unless root]
    #[arg(long, conflicts_with = "system")]
    pub user: bool,
    /// System service [default for root]
    #[arg(long)]
    pub system: bool,
    /// Treat this folder as / and start nothing; for images and packages
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// Arguments of `service status`.
#[derive(Debug, Args)]
pub struct ServiceStatusArgs {
    /// Which service.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = faults())]
pub struct SandboxArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Time from submission to transcript
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    pub delay: Duration,
    /// Time until a transcript expires
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    pub retention: Duration,
    /// Inject this fault with probability P; repeatable
    #[arg(long = "fault", value_name = "NAME=P")]
    pub faults: Vec<Faults>,
    /// Answer 429 to submissions beyond N per minute
    #[arg(long, value_name = "N")]
    pub submits_per_minute: Option<u32>,
    /// Answer 429 to polls beyond N per minute
    #[arg(long, value_name = "N")]
    pub polls_per_minute: Option<u32>,
    /// Accept only this key [default: any]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

fn faults() -> String {
    let lines: Vec<_> = FAULTS
        .iter()
        .map(|(name, about)| format!("  {name:<13} {about}"))
        .collect();
    format!(
        "Faults:\n{}\n\nGET /sandbox/ledger counts the requests received and the transcripts that would be billed.",
        lines.join("\n")
    )
}
