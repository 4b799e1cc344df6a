//! `nightscribe retry`

use super::args::RetryArgs;
use super::exit::{CommandError, Exit};
use super::terminal::{pluralize, print_error};
use crate::app::actions::Refusal;
use crate::app::actions::retry::retry as requeue;
use crate::app::session::Session;
use crate::domain::JobId;
use crate::store::sqlite::operator::RetryFilter;
use std::io::Write;

pub(super) async fn retry(session: &Session, args: RetryArgs) -> Result<Exit, CommandError> {
    let filter = RetryFilter {
        jobs: args.ids.into_iter().map(JobId).collect(),
        class: args.error,
        source: args.source,
    };
    let requeued = requeue(session, filter).await?;
    for refusal in &requeued.refused {
        print_error(&sentence(refusal));
    }
    writeln!(
        anstream::stdout().lock(),
        "{} requeued",
        pluralize(requeued.items.len() as u64, "item", "items")
    )?;
    Ok(if requeued.refused.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    })
}

fn sentence(refusal: &Refusal) -> String {
    let item = refusal.item;
    match refusal.state {
        None => format!("there is no item {item}"),
        Some(state) => format!(
            "item {item} is {state}; only failed or cancelled items that match all filters can be retried"
        ),
    }
}
