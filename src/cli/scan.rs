//! `nightscribe scan`

use super::display::log::LogDisplay;
use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use super::terminal::pluralize;
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::pipeline::stages::discover::Scanner;
use crate::store::Store;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

pub(super) async fn scan(session: &Session) -> Result<Exit, CommandError> {
    let store = session.store().await?;
    let scan = scan_sources(session, &store).await?;
    store.close().await;
    let recordings = pluralize(scan.found, "recording", "recordings");
    writeln!(
        anstream::stdout().lock(),
        "{recordings}: {} new, {} changed{}",
        scan.new,
        scan.changed,
        unsettled(&scan)
    )?;
    Ok(Exit::Done)
}

/// Scans all sources and records new and changed recordings. Returns the totals.
pub(super) async fn scan_sources(
    session: &Session,
    store: &Store,
) -> Result<ScanSummary, CommandError> {
    let total = Total::default();
    for source in &session.config.sources {
        let (config, now) = (&session.config, session.now());
        let scanner = Scanner {
            config,
            store,
            observer: &total,
            now,
            on_recorded: &|| (),
        };
        scanner.scan(source).await?;
    }
    let scan = *total.scan.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(scan)
}

fn unsettled(scan: &ScanSummary) -> String {
    if scan.unsettled == 0 {
        return String::new();
    }
    format!(
        "; {} changed recently, left for a later scan",
        pluralize(scan.unsettled, "file", "files")
    )
}

/// Adds up the scans of all sources, and logs their events.
#[derive(Default)]
struct Total {
    scan: Mutex<ScanSummary>,
}

impl Observer for Total {
    fn on_event(&self, event: &RunEvent) {
        if let RunEvent::Scanned { scan, .. } = event {
            let mut total = self.scan.lock().unwrap_or_else(PoisonError::into_inner);
            total.found += scan.found;
            total.new += scan.new;
            total.changed += scan.changed;
            total.unsettled += scan.unsettled;
        }
        LogDisplay.on_event(event);
    }
}
