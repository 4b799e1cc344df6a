//! The scan loop of the daemon. It scans a source after a change in its folder, when a file there has settled, and at
//! least every `schedule.scan_every`.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use super::folder_watch::{FolderWatch, Heard};
use super::runner::{RunError, Stages, broken, time_is_over};
use super::scan::scan_one;
use super::source_folder::Refused;
use crate::config::Source;
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest time between two passes of the loop. Each pass checks whether the run has to end, and whether the watched
/// folders still exist. A folder that replaces a deleted one causes no event, so it has to be polled for.
const PASS_EVERY: Duration = Duration::from_secs(2);

/// Scans the sources until the run stops.
///
/// # Errors
/// If a stage of the run ends unexpectedly, or the database fails permanently.
pub(super) async fn daemon(context: &Arc<Context>, stages: &mut Stages) -> Result<(), RunError> {
    let config = Arc::new(context.config.clone());
    let watch_state = Arc::new(Heard::new(&config, context.clock.clone()));
    let mut watch = FolderWatch::new(watch_state.clone(), config);
    let mut reported = BTreeSet::new();
    let mut last_pass = context.now();
    loop {
        watch = tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            refreshed = refresh_watches(context, watch, &mut reported) => refreshed?,
        };
        let now = context.now();
        let mut next = now.after(PASS_EVERY);
        for (number, source) in context.config.sources.iter().enumerate() {
            let due = watch_state.source(number, |trigger| {
                // The clock was set back.
                if now < last_pass {
                    trigger.set_back(now);
                }
                trigger.due()
            });
            if due <= now && !context.stop.is_cancelled() {
                tokio::select! {
                    scanned = scan_due_source(context, &watch_state, number, source) => scanned?,
                    Some(ended) = stages.join_next() => return broken(ended),
                }
            }
            next = next.min(watch_state.source(number, |trigger| trigger.due()));
        }
        last_pass = context.now();
        if time_is_over(context).await? {
            return Ok(());
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            Some(ended) = stages.join_next() => return broken(ended),
            () = watch_state.changed.notified() => {}
            () = sleep_until(&*context.clock, next) => {}
        }
    }
}

async fn scan_due_source(
    context: &Context,
    watch_state: &Heard,
    number: usize,
    source: &Source,
) -> Result<(), StoreError> {
    watch_state.source(number, |trigger| trigger.begins(context.now()));
    let scan = scan_one(context, source).await?;
    let settles = scan.and_then(|scan| scan.settles);
    watch_state.source(number, |trigger| trigger.ended(context.now(), settles));
    Ok(())
}

/// Updates the watches on a blocking thread. Reports each source that cannot be watched once.
async fn refresh_watches(
    context: &Context,
    mut watch: FolderWatch,
    reported: &mut BTreeSet<usize>,
) -> Result<FolderWatch, RunError> {
    let refreshed = tokio::task::spawn_blocking(move || {
        let refused = watch.attend();
        (watch, refused)
    });
    let (watch, refused) = refreshed.await.map_err(RunError::Stage)?;
    for Refused { source, reason } in refused {
        if reported.insert(source) {
            let source = &context.config.sources[source];
            context.notice(&Event::NotWatched {
                source: source.name.clone(),
                path: source.path.clone(),
                reason,
            });
        }
    }
    Ok(watch)
}
