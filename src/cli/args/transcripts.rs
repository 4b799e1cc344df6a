//! Arguments of the commands about transcripts: `speakers`, `export` and `adopt`.

use super::items::ITEMS_HELP;
use crate::cli::candidates;
use crate::domain::Format;
use crate::domain::format::FormatSelection;
use clap::Args;
use std::path::PathBuf;

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
    format!("Output format: {names} or all (except docx); repeatable")
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
