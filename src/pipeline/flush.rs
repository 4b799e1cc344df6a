//! What a round wrote under hidden names → the disk. Many files at once by one sync of their file system, which costs less
//! than half of what a sync of each does; a few each by itself, as the other waits for what other programs wrote, too.

use super::place::{Placing, not_written};
use super::save::Begun;
use super::threads::{WAITING, in_threads};
use crate::domain::Failure;
use crate::output::write::Staged;
use std::collections::BTreeMap;

/// Files of one file system that are synced at once, at least.
const MANY: usize = 8;

/// Puts on the disk what was begun. What cannot be put there has failed.
pub(super) async fn flush(begun: Vec<Begun>) -> Vec<Begun> {
    let (mut flushed, apart) = if unsynced(&begun).count() < MANY {
        (Vec::new(), begun)
    } else {
        let at_once = in_threads(1, [begun], at_once).await;
        at_once.into_iter().next().unwrap_or_default()
    };
    let apart = in_threads(WAITING, apart, |one| one.and(Placing::sync));
    flushed.extend(apart.await);
    flushed
}

/// Syncs the file systems of many files; gives back what was, and what is to be synced apart. Blocks.
fn at_once(begun: Vec<Begun>) -> (Vec<Begun>, Vec<Begun>) {
    let mut by_device: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in begun {
        // All files of a result are in one folder.
        let device = one.unsynced().next().and_then(Staged::device);
        by_device.entry(device).or_default().push(one);
    }
    let (mut flushed, mut apart) = (Vec::new(), Vec::new());
    for group in by_device.into_values() {
        match sync_file_system(&group) {
            Some(synced) => {
                let group = group.into_iter();
                flushed.extend(group.map(|one| one.and(|_| synced.clone())));
            }
            None => apart.extend(group),
        }
    }
    (flushed, apart)
}

/// Nothing where it does not pay, or where that cannot be done.
fn sync_file_system(group: &[Begun]) -> Option<Result<(), Failure>> {
    if unsynced(group).count() < MANY {
        return None;
    }
    let synced = unsynced(group).next()?.sync_file_system()?;
    Some(synced.map_err(|error| not_written(&error)))
}

fn unsynced(begun: &[Begun]) -> impl Iterator<Item = &Staged> {
    begun.iter().flat_map(Begun::unsynced)
}
