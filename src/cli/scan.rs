//! `nightscribe scan`

use super::display::log::LogDisplay;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::logging::warn_without_sources;
use super::terminal::pluralize;
use crate::app::scan::scan as scan_all;
use crate::app::session::Session;
use crate::domain::Problem;
use crate::notify::notification::ReportedProblem;
use crate::pipeline::event::ScanSummary;
use serde::Serialize;
use std::io::Write;

pub(super) async fn scan(session: &Session, as_json: bool) -> Result<Exit, CommandError> {
    warn_without_sources(&session.config);
    let (scan, problems) = scan_all(session, &LogDisplay).await?;
    if as_json {
        let result = ScanResult {
            scan,
            problems: problems.iter().map(ReportedProblem::from).collect(),
        };
        writeln!(anstream::stdout().lock(), "{}", to_json_line(&result)?)?;
        return Ok(exit_code(&problems));
    }
    let recordings = pluralize(scan.found, "recording", "recordings");
    writeln!(
        anstream::stdout().lock(),
        "{recordings}: {} new, {} changed{}",
        scan.new,
        scan.changed,
        unsettled(&scan)
    )?;
    Ok(exit_code(&problems))
}

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ScanResult {
    #[serde(flatten)]
    scan: ScanSummary,
    /// Problems of the sources.
    problems: Vec<ReportedProblem>,
}

/// Returns the exit code of a command that scanned the sources.
pub(super) const fn exit_code(problems: &[Problem]) -> Exit {
    if problems.is_empty() {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
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
