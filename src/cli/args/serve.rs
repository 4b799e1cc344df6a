//! Arguments of `serve`.

use super::parsers::address;
use clap::Args;
use std::net::SocketAddr;

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
It works beside a daemon and without one, and submits nothing itself. An address that other machines reach
requires a token (`http.token_file` or `http.token_env`). It stops on SIGTERM or SIGINT.")]
pub struct ServeArgs {
    /// Address to listen on; port 0 picks a free port [default: `http.listen`, otherwise 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub listen: Option<SocketAddr>,
}
