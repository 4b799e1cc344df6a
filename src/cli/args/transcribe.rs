//! Arguments of `transcribe`.

use crate::cli::candidates;
use crate::domain::Format;
use crate::domain::format::FormatSelection;
use clap::Args;
use std::path::PathBuf;

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
    #[cfg(feature = "sandbox")]
    #[arg(long)]
    pub sandbox: bool,
}

/// Returns the help of `transcribe --output-format`, which lists every format.
fn formats_help() -> String {
    let names = Format::ALL.map(Format::as_str).join(", ");
    format!(
        "Write files in these formats: {names} or all (except docx); separated by commas [default: txt]"
    )
}
