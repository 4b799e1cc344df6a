//! Arguments of the commands about transcripts: `open`, `search`, `speakers`, `export` and `adopt`.

use super::items::ITEMS_HELP;
use crate::cli::candidates;
use crate::domain::Format;
use crate::domain::format::FormatSelection;
use clap::Args;
use std::path::PathBuf;

/// Largest number of transcripts that `search` shows. Each is read for its passages.
const MAX_TRANSCRIPTS: usize = 1000;

/// Arguments of `search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Queries, in single quotes for the shell:
  budget plan              both words; case, accents and punctuation do not count
  \"quarterly budget\"       a phrase
  bud*                     words that begin with bud
  budget OR costs          one of both; OR binds closer than a space
  budget -draft            without a word or phrase
  NEAR(budget costs, 5)    at most 5 words apart; also: budget NEAR costs (10 words)
  speaker:Anna             said by Anna
  source:talks lang:de     of a source, in a language; several of a kind: one must apply
  after:2026-10-01         recorded on this day or later, by the date of the file
  before:2026-11-01        recorded before this day

In scripts without spaces, such as Chinese, Japanese or Thai, a text is found wherever it occurs.")]
pub struct SearchArgs {
    /// Words, phrases and filters
    #[arg(required_unless_present = "rebuild", value_name = "QUERY")]
    pub query: Vec<String>,
    /// Only in recordings of this source; repeatable
    #[arg(long = "source", value_name = "NAME", add = candidates::sources())]
    pub sources: Vec<String>,
    /// Number of transcripts to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = transcripts)]
    pub limit: usize,
    /// Play the first passage with the player of the configuration
    #[arg(long, conflicts_with = "json")]
    pub open: bool,
    /// Rebuild the index of all transcripts, for example after it was damaged
    #[arg(long, conflicts_with_all = ["query", "sources", "open"])]
    pub rebuild: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `open`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a desktop, the transcript opens in the program of its type (xdg-open, or open on macOS). Otherwise it is shown
with $PAGER, or less. Into a pipe or a file, its text is printed. Of several formats, the one that is best to
read is opened: txt, md, html, docx, then subtitles.

`nightscribe search --open` plays a recording at a passage.")]
pub struct OpenArgs {
    /// Item ID, or the path or URL of its recording
    #[arg(value_name = "ID|PATH")]
    pub what: String,
    /// Print one JSON object with the file; open nothing
    #[arg(long)]
    pub json: bool,
}

/// Parses a number of transcripts, from 1 to [`MAX_TRANSCRIPTS`].
fn transcripts(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    let count = count.filter(|count| (1..=MAX_TRANSCRIPTS).contains(count));
    count.ok_or_else(|| format!("expected a number from 1 to {MAX_TRANSCRIPTS}"))
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
    /// Print one JSON object; with names, that of `export`
    #[arg(long)]
    pub json: bool,
}

fn speaker_name(text: &str) -> Result<(String, String), String> {
    let (speaker, name) = text
        .split_once('=')
        .ok_or("expected a speaker and a name, as in 0=Anna")?;
    Ok((speaker.trim().to_owned(), name.trim().to_owned()))
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
        value_delimiter = ',',
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

/// Returns the help of `--format`, which lists every format.
fn format_help() -> String {
    let names = Format::ALL.map(Format::as_str).join(", ");
    format!("Output format: {names} or all (except docx); separated by commas, or repeated")
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
