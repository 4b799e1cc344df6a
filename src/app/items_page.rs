//! One page of items, for interfaces that show a part of a long list.

use super::error::AppError;
use super::items::{ItemView, pages};
use super::session::Session;
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;

/// Maximum number of items of a page.
pub const MAX_SIZE: usize = 200;
/// Maximum number of items before a page, in another order than newest first.
pub const MAX_OFFSET: usize = 10_000;

/// A page of items.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ItemsPage {
    /// Items, in the requested order.
    pub items: Vec<ItemView>,
    /// Whether more items follow.
    pub has_more: bool,
}

/// Returns `size` items, at most [`MAX_SIZE`], after the first `offset`. Empty while no queue exists.
///
/// `filter.limit` is ignored. Newest first, a page starts at `filter.before` instead, and `offset` is ignored, so that each page
/// costs the same.
///
/// # Errors
/// If there is no source of the requested name, or the database fails.
pub async fn page(
    session: &Session,
    mut filter: ItemFilter,
    order: ItemOrder,
    offset: usize,
    size: usize,
) -> Result<ItemsPage, AppError> {
    let offset = match order {
        ItemOrder::Newest => 0,
        _ => offset.min(MAX_OFFSET),
    };
    // One item more shows whether another page follows.
    let size = size.min(MAX_SIZE);
    filter.limit = Some(offset + size + 1);
    let Some(mut pages) = pages(session, filter, order).await? else {
        return Ok(ItemsPage::default());
    };
    pages.skip(offset);
    let mut items = pages.next().await?;
    pages.close().await;
    let has_more = items.len() > size;
    items.truncate(size);
    Ok(ItemsPage { items, has_more })
}
