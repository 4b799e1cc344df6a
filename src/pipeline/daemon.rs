//! The daemon's looks through its sources: each when something happened in its folder, when a file there stands still,
//! and in any case every `schedule.scan_every`.

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

/// How often it looks whether its time is over, and whether the folders of the sources are still those that are watched:
/// what comes back in place of a folder that went is told by no event in it.
const ATTEND_EVERY: Duration = Duration::from_secs(2);

/// Looks through the sources until the run stops.
///
/// # Errors
/// If a stage of the run breaks off, or the database fails for good.
pub(super) async fn daemon(context: &Arc<Context>, stages: &mut Stages) -> Result<(), RunError> {
    let config = Arc::new(context.config.clone());
    let heard = Arc::new(Heard::new(&config, context.clock.clone()));
    let mut watch = FolderWatch::new(heard.clone(), config);
    let mut told = BTreeSet::new();
    let mut looked_at = context.now();
    loop {
        watch = tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            attended = attend(context, watch, &mut told) => attended?,
        };
        let now = context.now();
        let mut next = now.after(ATTEND_EVERY);
        for (number, source) in context.config.sources.iter().enumerate() {
            let due = heard.source(number, |noticing| {
                if now < looked_at {
                    noticing.set_back(now);
                }
                noticing.due()
            });
            if due <= now && !context.stop.is_cancelled() {
                tokio::select! {
                    looked = look_through(context, &heard, number, source) => looked?,
                    Some(ended) = stages.join_next() => return broken(ended),
                }
            }
            next = next.min(heard.source(number, |noticing| noticing.due()));
        }
        looked_at = context.now();
        if time_is_over(context).await? {
            return Ok(());
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            Some(ended) = stages.join_next() => return broken(ended),
            () = heard.changed.notified() => {}
            () = sleep_until(&*context.clock, next) => {}
        }
    }
}

async fn look_through(
    context: &Context,
    heard: &Heard,
    number: usize,
    source: &Source,
) -> Result<(), StoreError> {
    heard.source(number, |noticing| noticing.begins(context.now()));
    let scan = scan_one(context, source).await?;
    let settles = scan.and_then(|scan| scan.settles);
    heard.source(number, |noticing| noticing.ended(context.now(), settles));
    Ok(())
}

/// Watches what is to be watched, on a thread that may block. A source that cannot be is told of once.
async fn attend(
    context: &Context,
    mut watch: FolderWatch,
    told: &mut BTreeSet<usize>,
) -> Result<FolderWatch, RunError> {
    let attended = tokio::task::spawn_blocking(move || {
        let refused = watch.attend();
        (watch, refused)
    });
    let (watch, refused) = attended.await.map_err(RunError::Stage)?;
    for Refused { source, reason } in refused {
        if told.insert(source) {
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
