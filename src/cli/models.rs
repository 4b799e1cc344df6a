//! `nightscribe models`

use super::exit::{Exit, Report};
use super::terminal::{lines, table};
use crate::domain::model::MODELS;
use std::io::Write;

pub(super) fn models() -> Result<Exit, Report> {
    let mut models = table(&["MODEL", "FOR"]);
    for model in MODELS {
        models.add_row([model.name, model.about]);
    }
    write!(anstream::stdout().lock(), "{}", lines(&models))?;
    Ok(Exit::Done)
}
