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
/// If no item or several ones are selected, or the database fails.
pub async fn select_one(session: &Session, name: &str) -> Result<JobId, AppError> {
    let no_item = || AppError::NoItem(name.to_owned());
    let word: ItemSelector = name.parse().map_err(|_| no_item())?;
    let selection = select(session, &[word]).await?;
    match selection.items.as_slice() {
        [] => Err(no_item()),
        [item] => Ok(*item),
        several => Err(AppError::SeveralItems {
            name: name.to_owned(),
            count: several.len(),
        }),
    }
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
    let in_source = match path.starts_with('/') {
        true => Vec::new(),
        false => matching(newest, path, |item| Some(&item.relative)),
    };
    if !in_source.is_empty() {
        return Ok(in_source);
    }
    // A pattern from the working folder, as a path may be.
    let absolute = absolute.to_string_lossy();
    let from_root = absolute.strip_prefix('/').unwrap_or(&absolute);
    Ok(matching(newest, from_root, |item| match &item.location {
        Location::File(file) => Some(file.strip_prefix("/").unwrap_or(file)),
        Location::Url(_) => None,
    }))
}

/// Returns the items of which the pattern matches this path.
fn matching(
    items: &[NewestItem],
    pattern: &str,
    path: impl Fn(&NewestItem) -> Option<&Path>,
) -> Vec<JobId> {
    match PathPatterns::parse([pattern]) {
        Ok(pattern) => ids(items, |item| {
            path(item).is_some_and(|path| pattern.matches(path, false))
        }),
        Err(_) => Vec::new(),
    }
}

fn ids(items: &[NewestItem], matches: impl Fn(&NewestItem) -> bool) -> Vec<JobId> {
    let found = items.iter().filter(|item| matches(item));
    found.map(|item| item.id).collect()
}
