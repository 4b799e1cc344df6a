//! `nightscribe list`

use super::args::ListArgs;
use super::exit::{CommandError, Exit};
use super::item::JsonItem;
use super::json::to_json_line;
use crate::app::session::Session;
use super::terminal::{
    escape_control_chars, format_duration, format_table, new_table, printable_path,
};
use super::waiting::WaitContext;
use crate::domain::JobState;
use crate::store::sqlite::items::{Item, ItemFilter};
use std::io::Write;
use std::time::Duration;

pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<Exit, CommandError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(Exit::Done);
    };
    let filter = ItemFilter {
        states: args.states.clone(),
        source: args.source.clone(),
        limit: args.limit,
    };
    let items = store.list(&filter).await?;
    let standing = WaitContext::load(session, &store).await?;
    store.close().await;
    let mut out = anstream::stdout().lock();
    if args.json {
        for item in &items {
            writeln!(
                out,
                "{}",
                to_json_line(&JsonItem::of(item, standing.reason(item)))?
            )?;
        }
    } else if !items.is_empty() {
        let mut rows = new_table(&[
            "ID",
            "STATE",
            "SOURCE",
            "RECORDING",
            "DURATION",
            "ATTEMPTS",
            "",
        ]);
        rows.add_rows(items.iter().map(|item| row(item, &standing)));
        write!(out, "{}", format_table(&rows))?;
    }
    Ok(Exit::Done)
}

fn row(item: &Item, standing: &WaitContext) -> [String; 7] {
    [
        item.id.to_string(),
        item.state.to_string(),
        item.source.clone(),
        printable_path(&item.relative),
        item.duration_s.map_or_else(String::new, |seconds| {
            format_duration(Duration::from_secs_f64(seconds.max(0.0)))
        }),
        item.attempts.to_string(),
        remark(item, standing),
    ]
}

fn remark(item: &Item, standing: &WaitContext) -> String {
    if let Some(why) = standing.reason(item) {
        return escape_control_chars(&why);
    }
    match (&item.error, item.state, item.silent) {
        (Some(error), ..) => escape_control_chars(&error.to_string()),
        (None, JobState::Done, Some(true)) => "no speech".to_owned(),
        _ => String::new(),
    }
}
