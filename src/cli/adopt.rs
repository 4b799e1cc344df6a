//! `nightscribe adopt`

use super::args::AdoptArgs;
use super::display::log::LogDisplay;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::pause::remaining;
use super::terminal::{pluralize, printable_path};
use crate::app::actions::adopt::adopt as adopt_all;
use crate::app::session::Session;
use std::io::Write;
use std::path::PathBuf;

pub(super) async fn adopt(session: &Session, args: &AdoptArgs) -> Result<Exit, CommandError> {
    let adopted = adopt_all(session, args.dir.as_deref(), &LogDisplay).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&adopted)?)?;
        return Ok(Exit::Done);
    }
    for (files, reason) in [
        (&adopted.unmatched, "no queued recording has this content"),
        (&adopted.without_result, "contains no result"),
    ] {
        write_all(&mut out, files, reason)?;
    }
    let results = pluralize(adopted.results, "transcript", "transcripts");
    writeln!(out, "{results} adopted; nothing was paid for")?;
    for hold in &adopted.holds {
        writeln!(out, "{}", remaining(hold))?;
    }
    Ok(Exit::Done)
}

fn write_all(out: &mut impl Write, files: &[PathBuf], reason: &str) -> std::io::Result<()> {
    for file in files {
        writeln!(out, "not adopted: {}: {reason}", printable_path(file))?;
    }
    Ok(())
}
