//! `nightscribe cancel`

use super::args::CancelArgs;
use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use super::terminal::{ERROR, pluralize};
use crate::domain::JobId;
use crate::store::sqlite::operator::CancelOutcome;
use std::io::Write;

pub(super) async fn cancel(session: &Session, args: &CancelArgs) -> Result<Exit, CommandError> {
    let jobs: Vec<_> = args.ids.iter().copied().map(JobId).collect();
    let outcomes = match session.existing_store().await? {
        None => jobs
            .into_iter()
            .map(|job| (job, CancelOutcome::NotFound))
            .collect(),
        Some(store) => {
            let outcomes = store.cancel(jobs, session.now()).await?;
            store.close().await;
            outcomes
        }
    };
    let mut exit = Exit::Done;
    let mut cancelled = 0;
    for (job, outcome) in outcomes {
        let refusal = match outcome {
            CancelOutcome::Cancelled => {
                cancelled += 1;
                continue;
            }
            CancelOutcome::NotFound => format!("there is no item {job}"),
            CancelOutcome::WrongState(state) => {
                format!("item {job} is {state}; only queued or pending items can be cancelled")
            }
        };
        exit = Exit::Usage;
        writeln!(anstream::stderr(), "{ERROR}error{ERROR:#}: {refusal}")?;
    }
    writeln!(
        anstream::stdout().lock(),
        "{} cancelled",
        pluralize(cancelled, "item", "items")
    )?;
    Ok(exit)
}
