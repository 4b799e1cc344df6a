//! `nightscribe list`

use super::args::ListArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::paged_table::PagedTable;
use super::terminal::{escape_control_chars, format_seconds, printable_path};
use super::wait_text::WaitText;
use crate::app::items::{self, ItemView};
use crate::app::session::Session;
use crate::domain::{JobState, Warning};
use crate::store::sqlite::items::ItemFilter;
use std::io::Write;

/// Heads of the columns. The last one has none: a remark explains itself.
const COLUMNS: [&str; 7] = [
    "ID",
    "STATE",
    "SOURCE",
    "RECORDING",
    "DURATION",
    "ATTEMPTS",
    "",
];

pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<Exit, CommandError> {
    let filter = ItemFilter {
        states: args.states.clone(),
        source: args.source.clone(),
        before: None,
        limit: args.limit,
    };
    let wait_text = WaitText::local(session.now());
    let Some(mut pages) = items::pages(session, filter).await? else {
        return Ok(Exit::Done);
    };
    let mut table = PagedTable::new(&COLUMNS);
    loop {
        let page = pages.next().await?.into_iter();
        let items: Vec<_> = page
            .map(|item| item.map_reason(|reason| wait_text.of(&reason)))
            .collect();
        if items.is_empty() {
            break;
        }
        let mut out = anstream::stdout().lock();
        if args.json {
            for item in &items {
                writeln!(out, "{}", to_json_line(item)?)?;
            }
        } else {
            write!(out, "{}", table.page(items.iter().map(row)))?;
        }
    }
    pages.close().await;
    Ok(Exit::Done)
}

fn row(item: &ItemView<String>) -> [String; 7] {
    [
        item.id.to_string(),
        item.state.to_string(),
        item.source.clone(),
        printable_path(&item.relative),
        item.duration_s.map_or_else(String::new, format_seconds),
        item.attempts.to_string(),
        remark(item),
    ]
}

fn remark(item: &ItemView<String>) -> String {
    match (&item.waits_for, &item.error, item.state, item.silent) {
        (Some(why), ..) => escape_control_chars(why),
        (None, Some(error), ..) => escape_control_chars(&error.to_string()),
        (None, None, JobState::Done, _) if !item.warnings.is_empty() => {
            let warnings: Vec<_> = item.warnings.iter().map(Warning::to_string).collect();
            format!("warning: {}", warnings.join("; "))
        }
        (None, None, JobState::Done, Some(true)) => "no speech".to_owned(),
        _ => String::new(),
    }
}
