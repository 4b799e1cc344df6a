//! `nightscribe retry`

use super::args::RetryArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::retry_low_quality::retry_low_quality;
use super::selectors::{no_item, selected};
use super::terminal::{pluralize, print_error};
use crate::app::actions::Refusal;
use crate::app::actions::retry::{Requeued, retry as requeue};
use crate::app::session::Session;
use crate::domain::{ErrorClass, JobState};
use crate::store::sqlite::operator::RetryFilter;
use std::io::Write;

pub(super) async fn retry(session: &Session, args: RetryArgs) -> Result<Exit, CommandError> {
    if let Some(below) = args.low_quality {
        return retry_low_quality(session, below, args).await;
    }
    let (jobs, is_incomplete) = selected(session, &args.items).await?;
    // The approval concerns no other failure.
    let class = match args.as_is {
        true => Some(ErrorClass::Unreadable),
        false => args.error,
    };
    // Without items, the filter would select all failed ones.
    let requeued = if jobs.is_empty() && !args.items.is_empty() {
        Requeued::default()
    } else {
        let filter = RetryFilter {
            jobs,
            class,
            source: args.source,
            as_is: args.as_is,
        };
        requeue(session, filter).await?
    };
    for refusal in &requeued.refused {
        print_error(&sentence(refusal, args.as_is));
    }
    let as_json = args.json.then(|| to_json_line(&requeued)).transpose()?;
    let count = requeued.items.len() as u64;
    let line = as_json.unwrap_or_else(|| format!("{} requeued", pluralize(count, "item", "items")));
    let is_refused = !requeued.refused.is_empty() || is_incomplete;
    // The errors tell that nothing was done.
    if args.json || count > 0 || !is_refused {
        writeln!(anstream::stdout().lock(), "{line}")?;
    }
    Ok(if !is_refused { Exit::Done } else { Exit::Usage })
}

fn sentence(refusal: &Refusal, as_is: bool) -> String {
    let item = refusal.item;
    match refusal.state {
        Some(JobState::Failed) if as_is => format!(
            "item {item} did not fail as unreadable, so `--as-is` does not concern it; `nightscribe retry {item}` retries it"
        ),
        None => no_item(&item),
        Some(state) => format!(
            "item {item} is {state}; only failed, cancelled or excluded items that match all filters can be retried"
        ),
    }
}
