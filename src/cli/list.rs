//! `nightscribe list`

use super::args::ListArgs;
use super::exit::{CommandError, Exit};
use super::journal::Priority;
use super::json::to_json_line;
use super::paged_table::PagedTable;
use super::quality_text::{QUALITY_COLUMNS, quality_cells};
use super::since::since_time;
use super::terminal::{escape_control_chars, format_seconds, print_to_stderr, printable_path};
use crate::app::items::{self, ItemView};
use crate::app::session::Session;
use crate::app::wait_text::WaitText;
use crate::domain::{JobState, Warning};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use std::io::Write;

/// Heads of the first columns.
const COLUMNS: [&str; 6] = ["ID", "STATE", "SOURCE", "RECORDING", "DURATION", "ATTEMPTS"];

pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<Exit, CommandError> {
    let wait_text = WaitText::local(session.now());
    let filter = filter(session, args)?;
    let Some(mut pages) = items::pages(session, filter, args.sort).await? else {
        if !args.json {
            print_to_stderr(&no_queue(session), Priority::Info);
        }
        return Ok(Exit::Done);
    };
    let mut is_empty = true;
    let with_quality = args.sort == ItemOrder::Confidence;
    let mut table = PagedTable::new(&columns(with_quality));
    loop {
        let page = pages.next().await?.into_iter();
        let items: Vec<_> = page
            .map(|item| item.map_reason(|reason| wait_text.of(&reason)))
            .collect();
        if items.is_empty() {
            break;
        }
        is_empty = false;
        let mut out = anstream::stdout().lock();
        if args.json {
            for item in &items {
                writeln!(out, "{}", to_json_line(item)?)?;
            }
        } else {
            write!(
                out,
                "{}",
                table.page(items.iter().map(|item| row(item, with_quality)))
            )?;
        }
    }
    pages.close().await;
    if is_empty && !args.json {
        print_to_stderr("no items match", Priority::Info);
    }
    Ok(Exit::Done)
}

fn filter(session: &Session, args: &ListArgs) -> Result<ItemFilter, CommandError> {
    let (now, zone) = (session.now(), SystemClock.zone());
    let since = args.since.map(|since| since_time(since, now, &zone));
    let mut states = args.states.clone();
    if args.failed && !states.contains(&JobState::Failed) {
        states.push(JobState::Failed);
    }
    Ok(ItemFilter {
        states,
        source: args.source.clone(),
        search: args.search.clone(),
        changed_since: since.transpose()?,
        limit: args.limit,
        ..ItemFilter::default()
    })
}

fn no_queue(session: &Session) -> String {
    format!(
        "no queue yet: {} does not exist; `nightscribe scan` creates it",
        printable_path(session.database())
    )
}

/// Returns the heads of the columns. The last one has none: a remark explains itself.
fn columns(with_quality: bool) -> Vec<&'static str> {
    let mut columns = COLUMNS.to_vec();
    if with_quality {
        columns.extend(QUALITY_COLUMNS);
    }
    columns.push("");
    columns
}

fn row(item: &ItemView<String>, with_quality: bool) -> Vec<String> {
    let mut cells = vec![
        item.id.to_string(),
        item.state.to_string(),
        item.source.clone(),
        printable_path(&item.relative),
        duration(item),
        item.attempts.to_string(),
    ];
    if with_quality {
        cells.extend(quality_cells(item.quality.as_ref()));
    }
    cells.push(remark(item));
    cells
}

fn duration(item: &ItemView<String>) -> String {
    let duration = item.duration_s.map(format_seconds).unwrap_or_default();
    match item.duration_is_estimate {
        true => format!("~{duration}"),
        false => duration,
    }
}

fn remark(item: &ItemView<String>) -> String {
    let remark = state_remark(item);
    match (item.as_is, remark.is_empty()) {
        (true, true) => "as it is".to_owned(),
        (true, false) => format!("as it is; {remark}"),
        (false, _) => remark,
    }
}

fn state_remark(item: &ItemView<String>) -> String {
    match (&item.waits_for, &item.error, item.state, item.silent) {
        (Some(why), ..) => escape_control_chars(why),
        (None, Some(error), ..) => escape_control_chars(&error.to_string()),
        (None, None, JobState::Done, _) if !item.warnings.is_empty() => {
            let warnings: Vec<_> = item.warnings.iter().map(Warning::to_string).collect();
            format!("warning: {}", warnings.join("; "))
        }
        (None, None, JobState::Done, Some(true)) => "no speech".to_owned(),
        (None, None, JobState::Done, _) if item.set_aside => {
            let earlier = item
                .retry_of
                .map_or_else(String::new, |job| format!(" of item {job}"));
            format!("the transcript{earlier} is better and stays")
        }
        _ => String::new(),
    }
}
