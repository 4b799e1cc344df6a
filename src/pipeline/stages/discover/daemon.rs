//! The scan loop of the daemon. It scans a source after a change in its folder, when a file there has settled, and at
//! least every `schedule.scan_every`.

use crate::config::SourceConfig;
use crate::domain::Timestamp;
use crate::pipeline::event::RunEvent;
use crate::pipeline::finish::Finish;
use crate::pipeline::run::{RunError, Stages, stage_result};
use crate::pipeline::stages::discover::{Discover, scan_source};
use crate::runtime::clock::{sleep_steps, sleep_until};
use crate::source::folder::events::WatchRefused;
use crate::source::folder::watch::{FolderWatch, WatchState};
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Steps of [`sleep_steps`] between two passes of the loop at most. Each pass checks whether the run has to end, and whether the
/// watched folders still exist. A folder that replaces a deleted one causes no event, so it has to be polled for.
const PASS_STEPS: u32 = 8;

/// Scans the sources until the run stops.
///
/// # Errors
/// If a stage of the run ends unexpectedly, or the database fails permanently.
pub(crate) async fn run_daemon(
    stage: &Discover,
    finish: &Finish,
    stages: &mut Stages,
) -> Result<(), RunError> {
    let config = stage.config.clone();
    let watch_state = Arc::new(WatchState::new(&config, stage.journal.clock.clone()));
    let mut watch = FolderWatch::new(watch_state.clone(), config);
    let mut reported = BTreeSet::new();
    let mut last_pass = stage.journal.now();
    loop {
        watch = tokio::select! {
            () = stage.journal.signals.stop.cancelled() => return Ok(()),
            refreshed = refresh_watches(stage, watch, &mut reported) => refreshed?,
        };
        let now = stage.journal.now();
        let mut next = Timestamp::MAX;
        for (number, source) in stage.config.sources.iter().enumerate() {
            let due = watch_state.with_trigger(number, |trigger| {
                // The clock was set back.
                if now < last_pass {
                    trigger.clock_set_back(now);
                }
                trigger.due_at()
            });
            if due <= now && !stage.journal.signals.stop.is_cancelled() {
                tokio::select! {
                    scanned = scan_due_source(stage, &watch_state, number, source) => scanned?,
                    Some(ended) = stages.join_next() => return stage_result(ended),
                }
            }
            next = next.min(watch_state.with_trigger(number, |trigger| trigger.due_at()));
        }
        last_pass = stage.journal.now();
        if finish.is_finished_after_deadline().await? {
            return Ok(());
        }
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => return Ok(()),
            Some(ended) = stages.join_next() => return stage_result(ended),
            () = watch_state.changed.notified() => {}
            () = sleep_until(&*stage.journal.clock, next) => {}
            () = sleep_steps(PASS_STEPS) => {}
        }
    }
}

async fn scan_due_source(
    stage: &Discover,
    watch_state: &WatchState,
    number: usize,
    source: &SourceConfig,
) -> Result<(), StoreError> {
    watch_state.with_trigger(number, |trigger| trigger.scan_started(stage.journal.now()));
    let scan = scan_source(stage, source).await?;
    let settles = scan.and_then(|scan| scan.settles_at);
    watch_state.with_trigger(number, |trigger| {
        trigger.scan_finished(stage.journal.now(), settles)
    });
    Ok(())
}

/// Updates the watches on a blocking thread, unless nothing has changed. Reports each source that cannot be watched once.
async fn refresh_watches(
    stage: &Discover,
    mut watch: FolderWatch,
    reported: &mut BTreeSet<usize>,
) -> Result<FolderWatch, RunError> {
    if watch.is_current() {
        return Ok(watch);
    }
    let refreshed = tokio::task::spawn_blocking(move || {
        let refused = watch.refresh();
        (watch, refused)
    });
    let (watch, refused) = refreshed.await.map_err(RunError::Stage)?;
    for WatchRefused { source, reason } in refused {
        if reported.insert(source) {
            let source = &stage.config.sources[source];
            stage.journal.emit(&RunEvent::NotWatched {
                source: source.name.clone(),
                path: source.path.clone(),
                reason,
            });
        }
    }
    Ok(watch)
}
