//! Scan of all sources for new and changed recordings.

use super::error::AppError;
use super::session::Session;
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::pipeline::stages::discover::Scanner;
use crate::store::Store;
use std::sync::{Mutex, PoisonError};

/// Scans all sources, and queues new and changed recordings. Returns the totals. Submits nothing.
///
/// The events of the scan go to `observer`. After a crash, the recordings committed so far remain.
///
/// # Errors
/// If there is no configuration file, or the database fails.
pub async fn scan(session: &Session, observer: &dyn Observer) -> Result<ScanSummary, AppError> {
    let store = session.store().await?;
    let scan = scan_sources(session, &store, observer).await?;
    store.close().await;
    Ok(scan)
}

pub(super) async fn scan_sources(
    session: &Session,
    store: &Store,
    observer: &dyn Observer,
) -> Result<ScanSummary, AppError> {
    let scan = Mutex::default();
    let total = Total {
        observer,
        scan: &scan,
    };
    for source in &session.config.sources {
        let scanner = Scanner {
            config: &session.config,
            store,
            observer: &total,
            now: session.now(),
            on_recorded: &|| (),
        };
        scanner.scan(source).await?;
    }
    Ok(scan.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Adds up the scans of all sources, and passes their events on.
struct Total<'a> {
    observer: &'a dyn Observer,
    scan: &'a Mutex<ScanSummary>,
}

impl Observer for Total<'_> {
    fn on_event(&self, event: &RunEvent) {
        if let RunEvent::Scanned { scan, .. } = event {
            let mut total = self.scan.lock().unwrap_or_else(PoisonError::into_inner);
            total.found += scan.found;
            total.new += scan.new;
            total.changed += scan.changed;
            total.unsettled += scan.unsettled;
        }
        self.observer.on_event(event);
    }
}
