//! Syncs the staging files of a batch of results to the disk.

use crate::domain::Failure;
use crate::output::write::StagedFile;
use crate::pipeline::stages::save::names::write_failure;
use crate::pipeline::stages::save::staging::{StagedFiles, StagedResult};
use crate::runtime::blocking::{IO_THREADS, map_blocking};
use std::collections::BTreeMap;

/// Number of files from which one sync of their file system replaces a sync of each file. For many files it costs less
/// than half as much. For few it costs more, as it also waits for data that other programs wrote.
const FILE_SYSTEM_SYNC_FROM: usize = 8;

/// Syncs the staging files. A result whose files cannot be synced is marked as failed.
pub(crate) async fn sync_staged(begun: Vec<StagedResult>) -> Vec<StagedResult> {
    let (mut synced, remaining) = if unsynced(&begun).count() < FILE_SYSTEM_SYNC_FROM {
        (Vec::new(), begun)
    } else {
        let by_file_system = map_blocking(1, [begun], sync_by_file_system).await;
        by_file_system.into_iter().next().unwrap_or_default()
    };
    let remaining = map_blocking(IO_THREADS, remaining, |result| {
        result.and_then(StagedFiles::sync)
    });
    synced.extend(remaining.await);
    synced
}

/// Syncs each file system that holds many of the files. Returns the synced results, and those whose files are still to
/// be synced one by one. Blocks.
fn sync_by_file_system(begun: Vec<StagedResult>) -> (Vec<StagedResult>, Vec<StagedResult>) {
    let mut by_device: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for result in begun {
        // All files of a result are in one folder.
        let device = result.unsynced().next().and_then(StagedFile::device);
        by_device.entry(device).or_default().push(result);
    }
    let (mut synced, mut remaining) = (Vec::new(), Vec::new());
    for group in by_device.into_values() {
        match sync_file_system(&group) {
            Some(outcome) => {
                let group = group.into_iter();
                synced.extend(group.map(|result| result.and_then(|_| outcome.clone())));
            }
            None => remaining.extend(group),
        }
    }
    (synced, remaining)
}

/// Syncs the file system of a group. Returns `None` if the group is too small, or the file system cannot be synced as a
/// whole.
fn sync_file_system(group: &[StagedResult]) -> Option<Result<(), Failure>> {
    if unsynced(group).count() < FILE_SYSTEM_SYNC_FROM {
        return None;
    }
    let synced = unsynced(group).next()?.sync_file_system()?;
    Some(synced.map_err(|error| write_failure(&error)))
}

fn unsynced(begun: &[StagedResult]) -> impl Iterator<Item = &StagedFile> {
    begun.iter().flat_map(StagedResult::unsynced)
}
