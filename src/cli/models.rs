//! `nightscribe models`

use super::exit::{CommandError, Exit};
use super::terminal::{format_table, new_table};
use crate::provider::aimlapi::models::MODELS;
use std::io::Write;

pub(super) fn models() -> Result<Exit, CommandError> {
    let mut models = new_table(&["MODEL", "FOR"]);
    for model in MODELS {
        models.add_row([model.name, model.about]);
    }
    write!(anstream::stdout().lock(), "{}", format_table(&models))?;
    Ok(Exit::Done)
}
