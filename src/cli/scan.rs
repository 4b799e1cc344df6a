//! `nightscribe scan`

use super::display::log::LogDisplay;
use super::exit::{Exit, Report};
use super::session::Session;
use super::terminal::count;
use crate::pipeline::event::{Event, Observer, Scan};
use crate::pipeline::scan::Scanner;
use crate::store::Store;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

pub(super) async fn scan(session: &Session) -> Result<Exit, Report> {
    let store = session.store().await?;
    let scan = look_through(session, &store).await?;
    store.close().await;
    let recordings = count(scan.found, "recording", "recordings");
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
pub(super) async fn look_through(session: &Session, store: &Store) -> Result<Scan, Report> {
    let total = Total::default();
    for source in &session.config.sources {
        let (config, now) = (&session.config, session.now());
        let scanner = Scanner {
            config,
            store,
            observer: &total,
            now,
            recorded: &|| (),
        };
        scanner.scan(source).await?;
    }
    let scan = *total.scan.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(scan)
}

fn unsettled(scan: &Scan) -> String {
    if scan.unsettled == 0 {
        return String::new();
    }
    format!(
        "; {} changed recently, left for a later scan",
        count(scan.unsettled, "file", "files")
    )
}

/// Adds up the scans of all sources, and logs their events.
#[derive(Default)]
struct Total {
    scan: Mutex<Scan>,
}

impl Observer for Total {
    fn notice(&self, event: &Event) {
        if let Event::Scanned { scan, .. } = event {
            let mut total = self.scan.lock().unwrap_or_else(PoisonError::into_inner);
            total.found += scan.found;
            total.new += scan.new;
            total.changed += scan.changed;
            total.unsettled += scan.unsettled;
        }
        LogDisplay.notice(event);
    }
}
