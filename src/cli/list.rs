//! `nightscribe list`

use super::args::List;
use super::exit::{Exit, Report};
use super::item::{JsonItem, json};
use super::session::Session;
use super::terminal::{length, lines, shown, table, visible};
use super::waiting::Standing;
use crate::domain::JobState;
use crate::store::report::{Filter, Item};
use std::io::Write;
use std::time::Duration;

pub(super) async fn list(session: &Session, args: &List) -> Result<Exit, Report> {
    let Some(store) = session.existing_store().await? else {
        return Ok(Exit::Done);
    };
    let filter = Filter {
        states: args.states.clone(),
        source: args.source.clone(),
        limit: args.limit,
    };
    let items = store.list(&filter).await?;
    let standing = Standing::of(session, &store).await?;
    store.close().await;
    let mut out = anstream::stdout().lock();
    if args.json {
        for item in &items {
            writeln!(out, "{}", json(&JsonItem::of(item, standing.why(item)))?)?;
        }
    } else if !items.is_empty() {
        let mut rows = table(&[
            "ID",
            "STATE",
            "SOURCE",
            "RECORDING",
            "DURATION",
            "ATTEMPTS",
            "",
        ]);
        rows.add_rows(items.iter().map(|item| row(item, &standing)));
        write!(out, "{}", lines(&rows))?;
    }
    Ok(Exit::Done)
}

fn row(item: &Item, standing: &Standing) -> [String; 7] {
    [
        item.id.to_string(),
        item.state.to_string(),
        item.source.clone(),
        shown(&item.relative),
        item.duration_s.map_or_else(String::new, |seconds| {
            length(Duration::from_secs_f64(seconds.max(0.0)))
        }),
        item.attempts.to_string(),
        remark(item, standing),
    ]
}

fn remark(item: &Item, standing: &Standing) -> String {
    if let Some(why) = standing.why(item) {
        return visible(&why);
    }
    match (&item.error, item.state, item.silent) {
        (Some(error), ..) => visible(&error.to_string()),
        (None, JobState::Done, Some(true)) => "no speech".to_owned(),
        _ => String::new(),
    }
}
