//! Command-line interface, with one file per command. No other module prints.
//!
//! - [`args`]: arguments and help texts
//! - [`exit`]: exit codes and error messages
//! - `candidates`: completion candidates for the shell
//! - `logging`: log setup; `journal`: priorities for the journal of systemd
//! - `manual_config`: manual page of the configuration
//! - `terminal`: styles and formatting; `json`: JSON output; `json_schemas`: their schemas, for the tests
//! - `fit`: text fitted to a width; `paged_table`: tables that are printed page by page
//! - `quality_text`: figures by which transcripts are judged
//! - `live`: live view of the queue
//! - `display`: progress of a run on a terminal, in a log and for systemd
//! - one module per command

mod add;
mod adopt;
pub mod args;
mod cancel;
mod candidates;
mod check;
#[cfg(feature = "sandbox")]
mod demo;
mod display;
pub mod exit;
mod export;
mod fit;
mod forecast_text;
mod hold_text;
mod init;
mod journal;
mod json;
#[cfg(test)]
mod json_schemas;
mod list;
mod live;
mod logging;
mod manual_config;
mod mcp;
mod models;
mod notify;
mod open;
mod packaging;
mod paged_table;
mod pause;
mod plan;
mod prices;
mod quality_text;
mod reload;
mod report;
mod retry;
mod retry_low_quality;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod scan;
mod search;
mod selectors;
mod serve;
mod service;
mod show;
mod signals;
mod since;
mod speakers;
mod status;
mod terminal;
mod transcribe;

use crate::app::plan::PlanLimits;
use crate::app::session::Session;
use crate::runtime::clock;
use args::{Cli, Command};
use clap::Parser;
use exit::{CommandError, Exit};
use std::process::ExitCode;

/// Parses the arguments of this process and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    packaging::answer_completion();
    journal::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return ExitCode::from(exit::print_usage(&answer) as u8),
    };
    clock::start();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome =
        outcome.map_err(|error| CommandError::internal("cannot start the async runtime", &error));
    let exit = outcome.and_then(|runtime| {
        let exit = runtime.block_on(command(cli));
        // A thread may still be blocked, for example on a dead network share. It must not delay the exit.
        runtime.shutdown_background();
        exit
    });
    ExitCode::from(exit.unwrap_or_else(|report| report.print()) as u8)
}

async fn command(cli: Cli) -> Result<Exit, CommandError> {
    logging::init(&cli.global, &cli.command);
    let session = || {
        let session = Session::load(cli.global.config.as_deref())?;
        session.require_config_file()?;
        Ok::<_, CommandError>(session)
    };
    match cli.command {
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::demo(&args, &cli.global).await,
        Command::Transcribe(args) => transcribe::transcribe(&args, &cli.global).await,
        Command::Init(args) => init::init(&args, cli.global.config.as_deref()),
        Command::Check(args) => check::check(&cli.global, args.json).await,
        Command::Scan(args) => scan::scan(&session()?, args.json).await,
        Command::Add(args) => add::add(&session()?, &args).await,
        Command::Plan(args) => plan::plan(&session()?, args.json, &PlanLimits::default()).await,
        Command::Prices(args) => prices::prices(&session()?, &args).await,
        Command::Report(args) => report::report(&session()?, &args).await,
        Command::Run(args) => run::run(session()?, &args, &cli.global).await,
        Command::Serve(args) => serve::serve(session()?, &args).await,
        Command::Mcp(args) => mcp::mcp(session()?, &args).await,
        Command::Status(args) => status::status(&session()?, &args).await,
        Command::List(args) => list::list(&session()?, &args).await,
        Command::Show(args) => show::show(&session()?, &args).await,
        Command::Open(args) => open::open(&session()?, &args).await,
        Command::Search(args) => search::search(&session()?, &args).await,
        Command::Speakers(args) => speakers::speakers(&session()?, &args).await,
        Command::Retry(args) => retry::retry(&session()?, args).await,
        Command::Cancel(args) => cancel::cancel(&session()?, &args).await,
        Command::Pause(args) => pause::pause(&session()?, &args).await,
        Command::Resume(args) => pause::resume(&session()?, &args).await,
        Command::Export(args) => export::export(&session()?, &args).await,
        Command::Adopt(args) => adopt::adopt(&session()?, &args).await,
        Command::Notify(args) => notify::notify(&session()?, &args).await,
        Command::Service(args) => service::service(&args, &cli.global),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::sandbox(args).await,
        Command::Models(args) => models::models(&cli.global, args.json).await,
        Command::Completions { shell } => packaging::completions(shell),
        Command::Man(args) => packaging::man(&args),
    }
}
