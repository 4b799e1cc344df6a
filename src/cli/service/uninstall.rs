//! `nightscribe service uninstall`

use super::install::{file_error, refuse_foreign};
use super::manager;
use super::target::ServiceTarget;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::terminal::printable_path;
use std::io::Write;

pub(super) fn uninstall(target: &ServiceTarget) -> Result<Exit, CommandError> {
    let file = printable_path(&target.file);
    let mut out = anstream::stdout().lock();
    let Some(text) = target.installed()? else {
        writeln!(out, "{file} does not exist; nothing to do.")?;
        return Ok(Exit::Done);
    };
    refuse_foreign(target, Some(&text))?;
    let runs = manager::is_running_here(target);
    if runs {
        manager::run_all(&target.commands().stop())?;
    }
    std::fs::remove_file(&target.file).map_err(|error| file_error("remove", target, &error))?;
    if runs {
        manager::run_all(&target.commands().reload())?;
    }
    writeln!(
        out,
        "Removed {file}. The queue and the transcripts are kept."
    )?;
    Ok(Exit::Done)
}
