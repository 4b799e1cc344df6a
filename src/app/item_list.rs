//! A page of items as programs read it.

use super::items::ItemView;
use super::items_page::{MAX_OFFSET, MAX_SIZE, page};
use super::request_error::RequestError;
use super::session::Session;
use super::wait_text::WaitText;
use crate::domain::JobId;
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use serde::Serialize;

/// Request of a page.
#[derive(Debug, Clone, Default)]
pub struct ItemListRequest {
    /// Selected items.
    pub filter: ItemFilter,
    /// Their order.
    pub order: ItemOrder,
    /// Number of items before the page, in another order than newest first. At most [`MAX_OFFSET`].
    pub offset: usize,
    /// Number of items of the page, from 1 to [`MAX_SIZE`].
    pub size: usize,
}

/// A page of items. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemList {
    /// Items, in the form of `list --json`.
    pub items: Vec<ItemView<String>>,
    /// Value of `before` for the next page, newest first. `None` on the last page and in another order.
    pub next_before: Option<JobId>,
    /// Value of `offset` for the next page in another order. `None` on the last page and newest first.
    pub next_offset: Option<usize>,
}

/// Returns a page of items. Empty while no queue exists.
///
/// # Errors
/// If the page is too large or too far from the start, there is no source of the requested name, or the database fails.
pub async fn item_list(
    session: &Session,
    request: ItemListRequest,
) -> Result<ItemList, RequestError> {
    let (order, offset, size) = (request.order, request.offset, request.size);
    if offset > MAX_OFFSET || !(1..=MAX_SIZE).contains(&size) {
        return Err(RequestError::invalid(format!(
            "`limit` is 1 to {MAX_SIZE}, and `offset` at most {MAX_OFFSET}; a filter makes the list shorter"
        )));
    }
    let found = page(session, request.filter, order, offset, size).await?;
    let wait_text = WaitText::local(session.now());
    let last = found.items.last().map(|item| item.id);
    let is_newest = order == ItemOrder::Newest;
    let next = offset + size;
    let items = found.items.into_iter();
    Ok(ItemList {
        next_before: last.filter(|_| found.has_more && is_newest),
        next_offset: Some(next).filter(|next| found.has_more && !is_newest && *next <= MAX_OFFSET),
        items: items
            .map(|item| item.map_reason(|reason| wait_text.of(&reason)))
            .collect(),
    })
}
