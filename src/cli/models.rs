//! `nightscribe models`

use super::args::GlobalArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{escape_control_chars, format_table, new_table};
use crate::app::catalogue::{Catalogue, ModelView, catalogue};
use crate::app::session::Session;
use crate::domain::Timestamp;
use crate::domain::local_time::format_date_time;
use crate::provider::DeprecationStatus;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::io::Write;

/// Prints the models of the service, or the built-in list without a usable configuration: a configuration with an unknown
/// model must not prevent the list of models.
pub(super) async fn models(global: &GlobalArgs, as_json: bool) -> Result<Exit, CommandError> {
    let catalogue = match Session::load(global.config.as_deref()) {
        Ok(session) => catalogue(&session).await?,
        Err(error) => {
            let reason = CommandError::from(error).one_line();
            tracing::warn!(reason, "the configuration cannot be used");
            Catalogue::default()
        }
    };
    let mut out = anstream::stdout().lock();
    if as_json {
        for model in &catalogue.models() {
            writeln!(out, "{}", to_json_line(model)?)?;
        }
        return Ok(Exit::Done);
    }
    let zone = SystemClock.zone();
    let mut rows = new_table(&["MODEL", "FOR"]);
    for model in &catalogue.models() {
        rows.add_row([
            escape_control_chars(&model.model),
            description(model, &zone),
        ]);
    }
    write!(out, "{}", format_table(&rows))?;
    match catalogue.fetched_at {
        Some(time) => {
            let time = format_date_time(time, &zone);
            writeln!(out, "From the service's catalogue of {time}.")?;
        }
        None => writeln!(out, "Built-in list: the service's catalogue is not known.")?,
    }
    Ok(Exit::Done)
}

fn description(model: &ModelView, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    parts.extend(model.about.map(str::to_owned));
    parts.extend(
        model
            .status
            .map(|status| status_text(status, model.ends_at, zone)),
    );
    parts.extend(
        model
            .replaced_by
            .as_ref()
            .map(|name| format!("replaced by {}", escape_control_chars(name))),
    );
    parts.join("; ")
}

fn status_text(status: DeprecationStatus, ends_at: Option<Timestamp>, zone: &TimeZone) -> String {
    match (status, ends_at) {
        (DeprecationStatus::Deprecated, Some(time)) => {
            format!("deprecated, ends on {}", format_date_time(time, zone))
        }
        (DeprecationStatus::Deprecated, None) => "deprecated".to_owned(),
        (DeprecationStatus::Superseded, _) => "superseded".to_owned(),
        (DeprecationStatus::Withdrawn, _) => "withdrawn".to_owned(),
    }
}
