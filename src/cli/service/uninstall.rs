//! `nightscribe service uninstall`

use super::install::{cannot, refuse_foreign};
use super::manager;
use super::target::Target;
use crate::cli::exit::{Exit, Report};
use crate::cli::terminal::shown;
use std::io::Write;

pub(super) fn uninstall(target: &Target) -> Result<Exit, Report> {
    let file = shown(&target.file);
    let mut out = anstream::stdout().lock();
    let Some(text) = target.installed()? else {
        writeln!(out, "{file} does not exist; nothing to do.")?;
        return Ok(Exit::Done);
    };
    refuse_foreign(target, Some(&text))?;
    let runs = manager::runs(target);
    if runs {
        manager::take(&target.talk().stop())?;
    }
    std::fs::remove_file(&target.file).map_err(|error| cannot("remove", target, &error))?;
    if runs {
        manager::take(&target.talk().forget())?;
    }
    writeln!(
        out,
        "Removed {file}. The queue and the transcripts are kept."
    )?;
    Ok(Exit::Done)
}
