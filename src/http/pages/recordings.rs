//! *Recordings*: the list of recordings.

use super::clock::{Clock, length};
use super::error::PageError;
use super::frame::{Frame, page};
use super::list_query::{ListQuery, notice};
use crate::app::items::ItemView;
use crate::app::items_page::{MAX_OFFSET, page as load_page};
use crate::domain::{ErrorClass, JobId, JobState};
use crate::http::site::Site;
use crate::store::sqlite::item_order::ItemOrder;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// Number of items of a page.
const SIZE: usize = 50;

#[derive(Template)]
#[template(path = "recordings.html")]
struct Recordings {
    frame: Frame,
    /// Query of this page, to return to after an action.
    query: String,
    states: Vec<(&'static str, bool)>,
    errors: Vec<(&'static str, bool)>,
    sources: Vec<(String, bool)>,
    orders: Vec<(&'static str, bool)>,
    search: String,
    language: String,
    is_low: bool,
    rows: Vec<Row>,
    /// Query of the first page. Empty on the first page.
    first: String,
    /// Query of the next page. Empty on the last page.
    next: String,
}

struct Row {
    id: i64,
    name: String,
    source: String,
    state: JobState,
    length: String,
    attempts: u32,
    confidence: String,
    changed: String,
    remark: String,
}

/// Shows the page.
pub(super) async fn recordings(
    State(site): State<Arc<Site>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, PageError> {
    let raw = raw.unwrap_or_default();
    let query = ListQuery::parse(&raw);
    let found = load_page(
        &site.session,
        query.filter(),
        query.order,
        query.offset,
        SIZE,
    )
    .await;
    let found = found.map_err(|error| PageError::failed(&site, &error))?;
    let clock = Clock::at(site.session.now());
    let next = match found.has_more {
        true => next_page(&query, found.items.last().map(|item| item.id)),
        false => String::new(),
    };
    let first = ListQuery {
        before: None,
        offset: 0,
        ..query.clone()
    };
    let sources = site.session.config.sources.iter();
    let template = Recordings {
        frame: Frame::new(&site, "recordings").with_notice(notice(&raw)),
        query: query.to_query(),
        states: choices(
            JobState::ALL.map(JobState::as_str),
            query.state.map(JobState::as_str),
        ),
        errors: choices(
            ErrorClass::ALL.map(ErrorClass::as_str),
            query.error.map(ErrorClass::as_str),
        ),
        sources: sources
            .map(|source| (source.name.clone(), source.name == query.source))
            .collect(),
        orders: choices(
            ItemOrder::ALL.map(ItemOrder::as_str),
            Some(query.order.as_str()),
        ),
        search: query.search.clone(),
        language: query.language.clone(),
        is_low: query.is_low,
        rows: found
            .items
            .into_iter()
            .map(|item| row(&clock, item))
            .collect(),
        first: match query == first {
            true => String::new(),
            false => format!("?{}", first.to_query()),
        },
        next,
    };
    Ok(page(StatusCode::OK, &template))
}

/// Returns the query of the next page. Empty if it would be too far from the first one.
fn next_page(query: &ListQuery, last: Option<JobId>) -> String {
    let next = match query.order {
        ItemOrder::Newest => ListQuery {
            before: last,
            ..query.clone()
        },
        _ if query.offset + SIZE > MAX_OFFSET => return String::new(),
        _ => ListQuery {
            offset: query.offset + SIZE,
            ..query.clone()
        },
    };
    format!("?{}", next.to_query())
}

fn choices<const N: usize>(
    names: [&'static str; N],
    chosen: Option<&str>,
) -> Vec<(&'static str, bool)> {
    let with_choice = |name| (name, chosen == Some(name));
    names.into_iter().map(with_choice).collect()
}

fn row(clock: &Clock, item: ItemView) -> Row {
    let confidence = item.quality.as_ref().and_then(|quality| quality.confidence);
    let wait_text = clock.wait_text();
    let remark = match (&item.waits_for, &item.error) {
        (Some(reason), _) => wait_text.of(reason),
        (None, Some(error)) => error.to_string(),
        (None, None) => {
            let warnings: Vec<_> = item.warnings.iter().map(ToString::to_string).collect();
            warnings.join("; ")
        }
    };
    Row {
        id: item.id.0,
        name: item.relative,
        source: item.source,
        state: item.state,
        length: length(item.duration_s),
        attempts: item.attempts,
        confidence: confidence.map_or_else(String::new, |part| format!("{:.0} %", part * 100.0)),
        changed: clock.time(item.updated_at),
        remark,
    }
}
