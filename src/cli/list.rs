//! `nightscribe list`

use super::args::ListArgs;
use super::exit::{CommandError, Exit};
use super::journal::Priority;
use super::json::to_json_line;
use super::paged_table::{Column, ColumnKind, PagedTable};
use super::quality_text::{QUALITY_COLUMNS, quality_cells};
use super::since::since_time;
use super::terminal::{
    escape_control_chars, format_seconds, print_to_stderr, printable_path, stdout_size,
};
use crate::app::items::{self, ItemView};
use crate::app::session::Session;
use crate::app::wait_text::WaitText;
use crate::domain::{JobState, Warning};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use comfy_table::{Cell, Color};
use std::io::Write;

/// The first columns.
const COLUMNS: [(&str, ColumnKind); 6] = [
    ("ID", ColumnKind::Number),
    ("STATE", ColumnKind::Word),
    ("SOURCE", ColumnKind::Name),
    ("RECORDING", ColumnKind::Name),
    ("DURATION", ColumnKind::Number),
    ("TRIES", ColumnKind::Number),
];
/// Lines of a terminal that are left free: for the heads of the columns, the note about more items, and the next prompt.
const FREE_LINES: usize = 4;

pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<Exit, CommandError> {
    let wait_text = WaitText::local(session.now());
    let size = stdout_size().filter(|_| !args.json);
    // A screenful, and one more that tells whether there are more.
    let screenful = size.map(|(_, rows)| rows.saturating_sub(FREE_LINES).max(1));
    let screenful = screenful.filter(|_| args.limit.is_none());
    let mut filter = filter(session, args)?;
    filter.limit = screenful.map(|rows| rows + 1).or(filter.limit);
    let mut left = screenful.unwrap_or(usize::MAX);
    let Some(mut pages) = items::pages(session, filter, args.sort).await? else {
        if !args.json {
            print_to_stderr(&no_queue(session), Priority::Info);
        }
        return Ok(Exit::Done);
    };
    let (mut is_empty, mut has_more) = (true, false);
    let with_quality = args.sort == ItemOrder::Confidence;
    let width = size.map(|(columns, _)| columns);
    let mut table = PagedTable::new(columns(with_quality), width);
    loop {
        let page = pages.next().await?.into_iter();
        let mut items: Vec<_> = page
            .map(|item| item.map_reason(|reason| wait_text.of(&reason)))
            .collect();
        if items.is_empty() {
            break;
        }
        is_empty = false;
        has_more |= items.len() > left;
        items.truncate(left);
        left -= items.len();
        let mut out = anstream::stdout().lock();
        if args.json {
            for item in &items {
                writeln!(out, "{}", to_json_line(item)?)?;
            }
        } else {
            let rows = items.iter().map(|item| row(item, with_quality));
            write!(out, "{}", table.page(rows.collect()))?;
        }
    }
    pages.close().await;
    if is_empty && !args.json {
        print_to_stderr("no items match", Priority::Info);
    }
    if has_more {
        let text = "there are more: `nightscribe list | less` shows all, `--limit 100` a hundred";
        print_to_stderr(text, Priority::Info);
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

fn columns(with_quality: bool) -> Vec<Column> {
    let mut columns = COLUMNS.to_vec();
    if with_quality {
        columns.extend(QUALITY_COLUMNS.map(|head| (head, ColumnKind::Number)));
    }
    columns.push(("REASON", ColumnKind::Remark));
    let columns = columns.into_iter();
    columns.map(|(head, kind)| Column { head, kind }).collect()
}

fn row(item: &ItemView<String>, with_quality: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(item.id),
        state(item),
        Cell::new(escape_control_chars(&item.source)),
        Cell::new(printable_path(&item.relative)),
        Cell::new(duration(item)),
        Cell::new(item.attempts),
    ];
    if with_quality {
        cells.extend(
            quality_cells(item.quality.as_ref())
                .into_iter()
                .map(Cell::new),
        );
    }
    cells.push(Cell::new(remark(item)));
    cells
}

/// Returns the state, in a colour where a person should look.
fn state(item: &ItemView<String>) -> Cell {
    let cell = Cell::new(item.state);
    match item.state {
        JobState::Failed => cell.fg(Color::Red),
        JobState::Done if !item.warnings.is_empty() => cell.fg(Color::Magenta),
        JobState::Done => cell.fg(Color::Green),
        _ => cell,
    }
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
