//! `nightscribe cancel`

use super::args::Cancel;
use super::exit::{Exit, Report};
use super::session::Session;
use super::terminal::{ERROR, count};
use crate::domain::JobId;
use crate::store::control::Outcome;
use std::io::Write;

pub(super) async fn cancel(session: &Session, args: &Cancel) -> Result<Exit, Report> {
    let jobs: Vec<_> = args.ids.iter().copied().map(JobId).collect();
    let outcomes = match session.existing_store().await? {
        None => jobs
            .into_iter()
            .map(|job| (job, Outcome::Unknown))
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
            Outcome::Changed => {
                cancelled += 1;
                continue;
            }
            Outcome::Unknown => format!("there is no item {job}"),
            Outcome::NotIn(state) => {
                format!("item {job} is {state}; only queued or pending items can be cancelled")
            }
        };
        exit = Exit::Usage;
        writeln!(anstream::stderr(), "{ERROR}error{ERROR:#}: {refusal}")?;
    }
    writeln!(
        anstream::stdout().lock(),
        "{} cancelled",
        count(cancelled, "item", "items")
    )?;
    Ok(exit)
}
