//! `nightscribe cancel`

use super::args::CancelArgs;
use super::exit::{CommandError, Exit};
use super::terminal::{pluralize, print_error};
use crate::app::actions::Refusal;
use crate::app::actions::cancel::cancel as cancel_items;
use crate::app::session::Session;
use crate::domain::JobId;
use std::io::Write;

pub(super) async fn cancel(session: &Session, args: &CancelArgs) -> Result<Exit, CommandError> {
    let items = args.ids.iter().copied().map(JobId).collect();
    let cancelled = cancel_items(session, items).await?;
    for refusal in &cancelled.refused {
        print_error(&sentence(refusal));
    }
    writeln!(
        anstream::stdout().lock(),
        "{} cancelled",
        pluralize(cancelled.items.len() as u64, "item", "items")
    )?;
    Ok(if cancelled.refused.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    })
}

fn sentence(refusal: &Refusal) -> String {
    let item = refusal.item;
    match refusal.state {
        None => format!("there is no item {item}"),
        Some(state) => {
            format!("item {item} is {state}; only queued or pending items can be cancelled")
        }
    }
}
