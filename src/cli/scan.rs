//! `nightscribe scan`

use super::display::log::LogDisplay;
use super::exit::{CommandError, Exit};
use super::terminal::pluralize;
use crate::app::scan::scan as scan_all;
use crate::app::session::Session;
use crate::pipeline::event::ScanSummary;
use std::io::Write;

pub(super) async fn scan(session: &Session) -> Result<Exit, CommandError> {
    let scan = scan_all(session, &LogDisplay).await?;
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

fn unsettled(scan: &ScanSummary) -> String {
    if scan.unsettled == 0 {
        return String::new();
    }
    format!(
        "; {} changed recently, left for a later scan",
        pluralize(scan.unsettled, "file", "files")
    )
}
