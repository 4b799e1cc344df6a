//! Query of a list of items.

use super::error::Problem;
use crate::app::item_list::ItemListRequest;
use crate::domain::JobId;
use std::fmt::Display;
use std::str::FromStr;
use url::form_urlencoded;

/// Number of items of a page, unless the request says otherwise.
const DEFAULT_SIZE: usize = 100;

/// Parses the query of an address.
pub(super) fn list_request(query: &str) -> Result<ItemListRequest, Problem> {
    let mut request = ItemListRequest {
        size: DEFAULT_SIZE,
        ..ItemListRequest::default()
    };
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        set(&mut request, &key, &value)?;
    }
    Ok(request)
}

fn set(request: &mut ItemListRequest, key: &str, value: &str) -> Result<(), Problem> {
    let filter = &mut request.filter;
    match key {
        "state" => filter.states.push(parsed(key, value)?),
        "source" => filter.source = Some(value.to_owned()),
        "search" => filter.search = Some(value.to_owned()),
        "error" => filter.error = Some(parsed(key, value)?),
        "language" => filter.language = Some(value.to_owned()),
        "confidence_below" => filter.confidence_below = Some(parsed(key, value)?),
        "before" => filter.before = Some(JobId(parsed(key, value)?)),
        "sort" => request.order = parsed(key, value)?,
        "offset" => request.offset = parsed(key, value)?,
        "limit" => request.size = parsed(key, value)?,
        _ => return Err(Problem::bad(format!("there is no parameter `{key}`"))),
    }
    Ok(())
}

fn parsed<T: FromStr<Err: Display>>(key: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|error| Problem::bad(format!("`{key}`: {error}")))
}
