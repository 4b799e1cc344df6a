//! `nightscribe service uninstall`

use super::install::{file_error, refuse_foreign};
use super::installed_unit;
use super::manager;
use super::target::ServiceTarget;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::json::to_json_line;
use crate::cli::terminal::printable_path;
use crate::domain::readable_path::readable_path;
use serde::Serialize;
use std::io::Write;

pub(super) fn uninstall(target: &ServiceTarget, as_json: bool) -> Result<Exit, CommandError> {
    let file = printable_path(&target.file);
    let mut out = anstream::stdout().lock();
    let Some(text) = installed_unit::read(&target.file)? else {
        if as_json {
            writeln!(out, "{}", result(target, false)?)?;
        } else {
            writeln!(out, "{file} does not exist; nothing to do.")?;
        }
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
    if as_json {
        writeln!(out, "{}", result(target, true)?)?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "Removed {file}. The queue and the transcripts are kept."
    )?;
    Ok(Exit::Done)
}

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct UninstallResult {
    /// Service file.
    file: String,
    /// Whether it was there and is removed. The queue and the transcripts are kept.
    is_changed: bool,
}

fn result(target: &ServiceTarget, is_changed: bool) -> Result<String, CommandError> {
    let file = readable_path(&target.file);
    to_json_line(&UninstallResult { file, is_changed })
}
