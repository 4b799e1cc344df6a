//! Scan of all sources for new and changed recordings.

use super::error::AppError;
use super::session::Session;
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::pipeline::excluded::requeue_included;
use crate::pipeline::stages::discover::Scanner;
use crate::source::folder::left_out::LeftOut;
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Scans all sources, and queues new and changed recordings. Returns the totals. Submits nothing.
///
/// The events of the scan go to `observer`. After a crash, the recordings committed so far remain.
///
/// # Errors
/// If there is no configuration file, or the database fails.
pub async fn scan(session: &Session, observer: &dyn Observer) -> Result<ScanSummary, AppError> {
    let store = session.store().await?;
    let totals = scan_sources(session, &store, observer).await?;
    store.close().await;
    Ok(totals.summary)
}

/// Totals of the scans of all sources.
#[derive(Debug, Default)]
pub(super) struct ScanTotals {
    /// Counts of recordings.
    pub(super) summary: ScanSummary,
    /// Counts of what was passed over, by source. Sources where nothing was passed over are missing.
    pub(super) left_out: BTreeMap<String, LeftOut>,
}

pub(super) async fn scan_sources(
    session: &Session,
    store: &Store,
    observer: &dyn Observer,
) -> Result<ScanTotals, AppError> {
    requeue_included(&session.config, store, session.now()).await?;
    let totals = Mutex::default();
    let total = Total {
        observer,
        totals: &totals,
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
        scanner.scan(source).await?;
    }
    Ok(totals.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Adds up the scans of all sources, and passes their events on.
struct Total<'a> {
    observer: &'a dyn Observer,
    totals: &'a Mutex<ScanTotals>,
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
        self.observer.on_event(event);
    }
}
