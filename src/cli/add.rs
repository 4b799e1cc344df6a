//! `nightscribe add`

use super::args::AddArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{print_error, printable_path};
use crate::app::actions::add::{AddOutcome, AddResult, Adder};
use crate::app::session::Session;
use crate::domain::JobId;
use crate::domain::readable_path::readable_path;
use std::io::Write;

pub(super) async fn add(session: &Session, args: &AddArgs) -> Result<Exit, CommandError> {
    let adder = Adder::open(session, args.source.as_deref()).await?;
    let mut exit = Exit::Done;
    for name in &args.what {
        let outcome = adder.add(name).await?;
        if args.json {
            let is_refused = matches!(outcome, AddOutcome::Refused { .. });
            exit = if is_refused { Exit::Usage } else { exit };
            let name = readable_path(name);
            let result = AddResult { name, outcome };
            writeln!(anstream::stdout().lock(), "{}", to_json_line(&result)?)?;
            continue;
        }
        let name = printable_path(name);
        let line = match outcome {
            AddOutcome::Queued { item } => format!("{name}: queued{}", bracketed(item)),
            AddOutcome::QueuedAgain { item } => {
                format!("{name}: changed, queued again{}", bracketed(item))
            }
            AddOutcome::AlreadyRecorded { item } => {
                format!("{name}: already recorded{}", bracketed(item))
            }
            AddOutcome::Refused { reason } => {
                exit = Exit::Usage;
                print_error(&format!("{name}: {reason}"));
                continue;
            }
        };
        writeln!(anstream::stdout().lock(), "{line}")?;
    }
    adder.close().await;
    Ok(exit)
}

fn bracketed(item: Option<JobId>) -> String {
    item.map_or_else(String::new, |item| format!(" ({item})"))
}
