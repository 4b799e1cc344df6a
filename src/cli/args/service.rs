//! Arguments of the `service` commands.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Subcommands of `service`.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum ServiceCommand {
    /// Write the service file and start the service; repeat after changing the configuration
    Install(ServiceChangeArgs),
    /// Stop the service and remove its file; the queue and the transcripts are kept
    Uninstall(ServiceChangeArgs),
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

/// Arguments of `service install` and `service uninstall`.
#[derive(Debug, Args)]
pub struct ServiceChangeArgs {
    /// Which service.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
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
