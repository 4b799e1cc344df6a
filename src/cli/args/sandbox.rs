//! Arguments of `demo` and `sandbox`.

use super::parsers::{address, count, duration};
use clap::Args;
use nightscribe_sandbox::{FAULTS, Faults};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for recordings and transcripts; must be new or empty [default: a new temporary folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = faults())]
pub struct SandboxArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS", value_parser = address)]
    pub listen: SocketAddr,
    /// Time from submission to transcript
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub delay: Duration,
    /// Time until a transcript expires
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub retention: Duration,
    /// Inject this fault with probability P; repeatable
    #[arg(long = "fault", value_name = "NAME=P")]
    pub faults: Vec<Faults>,
    /// Answer 429 to submissions beyond N per minute
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub submits_per_minute: Option<u32>,
    /// Answer 429 to polls beyond N per minute
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
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
