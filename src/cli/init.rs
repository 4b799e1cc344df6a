//! `nightscribe init`

use super::args::InitArgs;
use super::exit::{CommandError, Exit};
use super::terminal::printable_path;
use crate::config::TEMPLATE;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub(super) fn init(args: &InitArgs) -> Result<Exit, CommandError> {
    let path = &args.path;
    write(path, args.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::new(
            Exit::Usage,
            format!(
                "`{}` already exists; --force overwrites it",
                printable_path(path)
            ),
        ),
        _ => CommandError::new(
            Exit::Usage,
            format!("cannot write `{}`: {error}", printable_path(path)),
        ),
    })?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "Wrote {}.", printable_path(path))?;
    writeln!(
        out,
        "Next: fill in a [[source]] at the end, set AIMLAPI_KEY, and run `nightscribe check`."
    )?;
    Ok(Exit::Done)
}

fn write(path: &Path, force: bool) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new().recursive(true).create(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(!force)
        .truncate(force)
        .open(path)?;
    file.write_all(TEMPLATE.as_bytes())
}
