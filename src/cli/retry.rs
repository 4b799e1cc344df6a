//! `nightscribe retry`

use super::args::RetryArgs;
use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use super::terminal::{ERROR, pluralize};
use crate::domain::JobId;
use crate::store::Store;
use crate::store::sqlite::operator::RetryFilter;
use std::io::Write;

pub(super) async fn retry(session: &Session, args: RetryArgs) -> Result<Exit, CommandError> {
    let Some(store) = session.existing_store().await? else {
        return print_requeued(0, Exit::Done);
    };
    let jobs: Vec<_> = args.ids.iter().copied().map(JobId).collect();
    let which = RetryFilter {
        jobs: jobs.clone(),
        class: args.error,
        source: args.source,
    };
    let changed = store.retry(which, session.now()).await?;
    let mut exit = Exit::Done;
    for job in jobs.into_iter().filter(|job| !changed.contains(job)) {
        exit = Exit::Usage;
        writeln!(
            anstream::stderr(),
            "{ERROR}error{ERROR:#}: {}",
            refusal(&store, job).await?
        )?;
    }
    store.close().await;
    print_requeued(changed.len() as u64, exit)
}

async fn refusal(store: &Store, job: JobId) -> Result<String, CommandError> {
    Ok(match store.state_of(job).await? {
        None => format!("there is no item {job}"),
        Some(state) => format!(
            "item {job} is {state}; only failed or cancelled items that match all filters can be retried"
        ),
    })
}

fn print_requeued(changed: u64, exit: Exit) -> Result<Exit, CommandError> {
    writeln!(
        anstream::stdout().lock(),
        "{} requeued",
        pluralize(changed, "item", "items")
    )?;
    Ok(exit)
}
