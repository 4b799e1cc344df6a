//! `nightscribe cancel`

use super::args::CancelArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::selectors::{no_item, selected};
use super::terminal::{pluralize, print_error};
use crate::app::actions::Refusal;
use crate::app::actions::cancel::cancel as cancel_items;
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn cancel(session: &Session, args: &CancelArgs) -> Result<Exit, CommandError> {
    let (items, is_incomplete) = selected(session, &args.items).await?;
    let cancelled = cancel_items(session, items).await?;
    for refusal in &cancelled.refused {
        print_error(&sentence(refusal));
    }
    let as_json = args.json.then(|| to_json_line(&cancelled)).transpose()?;
    let count = cancelled.items.len() as u64;
    let line =
        as_json.unwrap_or_else(|| format!("{} cancelled", pluralize(count, "item", "items")));
    let is_refused = !cancelled.refused.is_empty() || is_incomplete;
    // The errors tell that nothing was done.
    if args.json || count > 0 || !is_refused {
        writeln!(anstream::stdout().lock(), "{line}")?;
    }
    Ok(if !is_refused { Exit::Done } else { Exit::Usage })
}

fn sentence(refusal: &Refusal) -> String {
    let item = refusal.item;
    match refusal.state {
        None => no_item(&item),
        Some(state) => {
            format!(
                "item {item} is {state}; only queued, pending or excluded items can be cancelled"
            )
        }
    }
}
