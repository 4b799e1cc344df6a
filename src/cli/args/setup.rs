//! Arguments of the commands that set up a machine: `init`, `notify` and `man`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// File to write, or a folder of recordings to fill in [default file: --config, or nightscribe.toml]
    pub path: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
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

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write nightscribe.1, nightscribe-run.1 and so on, and nightscribe.toml.5 to this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
