//! Selection of items by the words of a command line.

use super::error::AppError;
use super::session::Session;
use crate::config::patterns::PathPatterns;
use crate::domain::item_selector::ItemSelector;
use crate::domain::readable_path::readable_path;
use crate::domain::{JobId, Location};
use crate::store::Store;
use crate::store::sqlite::selection::NewestItem;
use std::path::Path;

/// Items that the words select, in their order and without duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// IDs of the items. Those given as numbers may not exist.
    pub items: Vec<JobId>,
    /// Words that select no item.
    pub unmatched: Vec<String>,
}

/// Selects items. A path or a pattern selects the newest item of each recording. While no queue exists, only numbers
/// select items.
///
/// # Errors
/// If the database fails.
pub async fn select(session: &Session, words: &[ItemSelector]) -> Result<Selection, AppError> {
    let store = session.existing_store().await?;
    let mut selection = Selection::default();
    let mut newest = None;
    for word in words {
        let (items, text) = match (word, &store) {
            (ItemSelector::Id(id), _) => (vec![JobId(*id)], id.to_string()),
            (ItemSelector::Range(first, last), Some(store)) => {
                let items = store.items_between(JobId(*first), JobId(*last)).await?;
                (items, format!("{first}-{last}"))
            }
            (ItemSelector::Range(first, last), None) => (Vec::new(), format!("{first}-{last}")),
            (ItemSelector::Path(path), Some(store)) => (
                at_path(session, store, path, &mut newest).await?,
                path.clone(),
            ),
            (ItemSelector::Path(path), None) => (Vec::new(), path.clone()),
        };
        if items.is_empty() {
            selection.unmatched.push(text);
        }
        for item in items {
            if !selection.items.contains(&item) {
                selection.items.push(item);
            }
        }
    }
    if let Some(store) = store {
        store.close().await;
    }
    Ok(selection)
}

/// Returns the item with this ID, or otherwise the newest item of the recording at this path or URL. An ID may not exist.
///
/// # Errors
/// If no item is selected, or the database fails.
pub async fn select_one(session: &Session, name: &str) -> Result<JobId, AppError> {
    let no_item = || AppError::NoItem(name.to_owned());
    let word: ItemSelector = name.parse().map_err(|_| no_item())?;
    let selection = select(session, &[word]).await?;
    selection.items.first().copied().ok_or_else(no_item)
}

/// Returns the newest items at a path or URL, or of the recordings that `list` shows with this path, or that the
/// pattern matches. `newest` caches the newest items of all recordings.
async fn at_path(
    session: &Session,
    store: &Store,
    path: &str,
    newest: &mut Option<Vec<NewestItem>>,
) -> Result<Vec<JobId>, AppError> {
    let absolute = std::path::absolute(session.environment.working_dir.join(path))?;
    for location in [Path::new(path), &absolute] {
        if let Some(item) = store.items_at(location).await?.into_iter().next() {
            return Ok(vec![item.job.id]);
        }
    }
    let newest = match newest {
        Some(newest) => newest,
        None => newest.insert(store.newest_items().await?),
    };
    let named = ids(newest, |item| readable_path(&item.relative) == path);
    if !named.is_empty() || !ItemSelector::is_pattern(path) {
        return Ok(named);
    }
    let anchored = path.strip_prefix('/');
    let Ok(pattern) = PathPatterns::parse([anchored.map_or(path, |_| path)]) else {
        return Ok(Vec::new());
    };
    Ok(ids(newest, |item| match (anchored, &item.location) {
        (Some(_), Location::File(file)) => {
            pattern.matches(file.strip_prefix("/").unwrap_or(file), false)
        }
        (Some(_), Location::Url(_)) => false,
        (None, _) => pattern.matches(&item.relative, false),
    }))
}

fn ids(items: &[NewestItem], matches: impl Fn(&NewestItem) -> bool) -> Vec<JobId> {
    let found = items.iter().filter(|item| matches(item));
    found.map(|item| item.id).collect()
}
