//! Query of a list of items.

use super::error::Problem;
use crate::domain::JobId;
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use std::fmt::Display;
use std::str::FromStr;
use url::form_urlencoded;

/// Number of items of a page, unless the request says otherwise.
const DEFAULT_SIZE: usize = 100;

/// What a list is to have.
#[derive(Debug)]
pub(super) struct ListRequest {
    /// Selected items.
    pub(super) filter: ItemFilter,
    /// Their order.
    pub(super) order: ItemOrder,
    /// Number of items before the page.
    pub(super) offset: usize,
    /// Number of items of the page.
    pub(super) size: usize,
}

impl ListRequest {
    /// Parses the query of an address.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut request = Self {
            filter: ItemFilter::default(),
            order: ItemOrder::default(),
            offset: 0,
            size: DEFAULT_SIZE,
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            request.set(&key, &value)?;
        }
        Ok(request)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        let filter = &mut self.filter;
        match key {
            "state" => filter.states.push(parsed(key, value)?),
            "source" => filter.source = Some(value.to_owned()),
            "search" => filter.search = Some(value.to_owned()),
            "error" => filter.error = Some(parsed(key, value)?),
            "language" => filter.language = Some(value.to_owned()),
            "confidence_below" => filter.confidence_below = Some(parsed(key, value)?),
            "before" => filter.before = Some(JobId(parsed(key, value)?)),
            "sort" => self.order = parsed(key, value)?,
            "offset" => self.offset = parsed(key, value)?,
            "limit" => self.size = parsed(key, value)?,
            _ => return Err(Problem::bad(format!("there is no parameter `{key}`"))),
        }
        Ok(())
    }
}

fn parsed<T: FromStr<Err: Display>>(key: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|error| Problem::bad(format!("`{key}`: {error}")))
}
