//! Arguments of `mcp`.

use clap::Args;

/// Arguments of `mcp`.
#[derive(Debug, Args)]
#[command(after_help = "\
A client, such as a chat or an editor, starts this command and speaks the Model Context Protocol with it over
standard input and output. The tools are search, read_passage, list, show and status. Log messages are on
standard error. It works beside a daemon and without one, submits nothing itself, and stops when the client
closes standard input, and on SIGTERM or SIGINT.")]
pub struct McpArgs {
    /// Also offer the tools retry, cancel, pause and resume [default: the client can only read]
    #[arg(long)]
    pub allow_actions: bool,
}
