//! Scan of all sources for new and changed recordings.

use super::error::AppError;
use super::session::Session;
use crate::domain::Problem;
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::pipeline::excluded::requeue_included;
use crate::pipeline::stages::discover::Scanner;
use crate::pipeline::tally::Tally;
use crate::source::folder::left_out::LeftOut;
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Scans all sources, and queues new and changed recordings. Returns the totals and the problems of the sources. Submits
/// nothing.
///
/// The events of the scan go to `observer`. After a crash, the recordings committed so far remain.
///
/// # Errors
/// If there is no configuration file, or the database fails.
pub async fn scan(
    session: &Session,
    observer: &dyn Observer,
) -> Result<(ScanSummary, Vec<Problem>), AppError> {
    let store = session.store().await?;
    let totals = scan_sources(session, &store, observer).await?;
    store.close().await;
    Ok((totals.summary, totals.problems))
}

/// Totals of the scans of all sources.
#[derive(Debug, Default)]
pub(super) struct ScanTotals {
    /// Counts of recordings.
    pub(super) summary: ScanSummary,
    /// Counts of what was passed over, by source. Sources where nothing was passed over are missing.
    pub(super) left_out: BTreeMap<String, LeftOut>,
    /// Problems of the sources.
    pub(super) problems: Vec<Problem>,
}

pub(super) async fn scan_sources(
    session: &Session,
    store: &Store,
    observer: &dyn Observer,
) -> Result<ScanTotals, AppError> {
    requeue_included(&session.config, store, session.now()).await?;
    let (totals, tally) = (Mutex::default(), Tally::default());
    let total = Total {
        observer,
        totals: &totals,
        tally: &tally,
    };
    for source in &session.config.sources {
        let scanner = Scanner {
            config: &session.config,
            store,
            observer: &total,
            now: session.now(),
            before_record: &|_| (),
            on_recorded: &|| (),
        };
        let rules = store.folder_rules(&source.name).await?;
        scanner.scan(source, &rules).await?;
    }
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(ScanTotals {
        problems: tally.source_problems(),
        ..totals
    })
}

/// Adds up the scans of all sources, and passes their events on.
struct Total<'a> {
    observer: &'a dyn Observer,
    totals: &'a Mutex<ScanTotals>,
    tally: &'a Tally,
}

impl Total<'_> {
    fn totals(&self) -> MutexGuard<'_, ScanTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Total<'_> {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Scanned { scan, .. } => {
                let total = &mut self.totals().summary;
                total.found += scan.found;
                total.new += scan.new;
                total.changed += scan.changed;
                total.unsettled += scan.unsettled;
                total.settles_at = [total.settles_at, scan.settles_at]
                    .into_iter()
                    .flatten()
                    .min();
            }
            RunEvent::LeftOut { source, left_out } if !left_out.is_empty() => {
                self.totals()
                    .left_out
                    .insert(source.clone(), left_out.clone());
            }
            _ => {}
        }
        self.tally.on_event(event);
        self.observer.on_event(event);
    }
}
