//! Options for the output as JSON.

use clap::Args;

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
