//! `nightscribe speakers`

use super::args::SpeakersArgs;
use super::exit::{CommandError, Exit};
use super::export::{print_json, print_outcome};
use super::json::to_json_line;
use super::terminal::{escape_control_chars, format_table, new_table};
use crate::app::actions::export_result::ExportResult;
use crate::app::actions::speakers::{ItemSpeakers, list_speakers, name_speakers};
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn speakers(session: &Session, args: &SpeakersArgs) -> Result<Exit, CommandError> {
    if args.names.is_empty() {
        print_speakers(&list_speakers(session, &args.what).await?, args.json)?;
        return Ok(Exit::Done);
    }
    let mut exit = Exit::Done;
    for ExportResult { item, outcome } in name_speakers(session, &args.what, &args.names).await? {
        exit = match args.json {
            true => print_json(item, outcome)?,
            false => print_outcome(item, outcome)?,
        };
    }
    Ok(exit)
}

fn print_speakers(found: &ItemSpeakers, json: bool) -> Result<(), CommandError> {
    let mut out = anstream::stdout().lock();
    if json {
        writeln!(out, "{}", to_json_line(found)?)?;
        return Ok(());
    }
    if found.speakers.is_empty() {
        writeln!(out, "item {}: the transcript names no speakers", found.item)?;
        return Ok(());
    }
    let mut rows = new_table(&["SPEAKER", "NAME", "FIRST SENTENCE"]);
    rows.add_rows(found.speakers.iter().map(|one| {
        let name = one.name.as_deref().unwrap_or_default();
        [&one.speaker, name, &one.sentence].map(escape_control_chars)
    }));
    write!(out, "{}", format_table(&rows))?;
    Ok(())
}
