//! `nightscribe open`

use super::args::OpenArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{printable_lines, printable_path};
use crate::app::open::readable_file::{ReadableFile, readable_file};
use crate::app::open::viewer::{Viewer, show, viewer};
use crate::app::session::Session;
use std::fs;
use std::io::{IsTerminal, Write};

pub(super) async fn open(session: &Session, args: &OpenArgs) -> Result<Exit, CommandError> {
    let file = readable_file(session, &args.what).await?;
    if args.json {
        writeln!(anstream::stdout().lock(), "{}", to_json_line(&file)?)?;
        return Ok(Exit::Done);
    }
    let is_terminal = std::io::stdout().is_terminal();
    match viewer(&session.environment) {
        Viewer::Desktop(program) if is_terminal => {
            show(session, &file, program, Vec::new()).await?;
        }
        _ if !file.format.is_text() => return Err(only_on_a_desktop(&file)),
        Viewer::Pager(program, arguments) if is_terminal => {
            show(session, &file, program, arguments).await?;
        }
        _ => print(&file, is_terminal)?,
    }
    Ok(Exit::Done)
}

fn only_on_a_desktop(file: &ReadableFile) -> CommandError {
    let (name, item) = (printable_path(&file.file), file.item);
    let message = format!(
        "only a desktop can open `{name}`; `nightscribe export {item} --format txt` writes a text"
    );
    CommandError::new(Exit::Usage, message)
}

/// Prints the file. On a terminal, control characters are escaped.
fn print(file: &ReadableFile, is_terminal: bool) -> Result<(), CommandError> {
    let bytes = fs::read(&file.file).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", printable_path(&file.file));
        CommandError::new(Exit::Usage, message)
    })?;
    let mut out = std::io::stdout().lock();
    match is_terminal {
        true => out.write_all(printable_lines(&String::from_utf8_lossy(&bytes)).as_bytes())?,
        false => out.write_all(&bytes)?,
    }
    Ok(())
}
