//! `nightscribe init`

use super::args::Init;
use super::exit::{Exit, Report};
use super::terminal::shown;
use crate::config::TEMPLATE;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub(super) fn init(args: &Init) -> Result<Exit, Report> {
    let path = &args.path;
    write(path, args.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Report::new(
            Exit::Usage,
            format!("`{}` already exists; --force overwrites it", shown(path)),
        ),
        _ => Report::new(
            Exit::Usage,
            format!("cannot write `{}`: {error}", shown(path)),
        ),
    })?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "Wrote {}.", shown(path))?;
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
