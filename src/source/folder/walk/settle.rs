//! The time at which a file settles.

use crate::domain::{Revision, Timestamp};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use walkdir::DirEntry;

/// Returns the fingerprint, the inode change time, and the device and inode.
pub(super) fn stat(entry: &DirEntry) -> Result<(Revision, Timestamp, (u64, u64)), String> {
    let metadata = entry.metadata().map_err(|error| error.to_string())?;
    let fingerprint = Revision::try_from(&metadata).map_err(|error| error.to_string())?;
    let identity = (metadata.dev(), metadata.ino());
    Ok((fingerprint, change_time(&metadata), identity))
}

/// Returns the inode change time, which no program can set.
fn change_time(metadata: &Metadata) -> Timestamp {
    Timestamp::from_millis(
        metadata
            .ctime()
            .saturating_mul(1000)
            .saturating_add(metadata.ctime_nsec() / 1_000_000),
    )
}

/// Returns the time at which the file settles, if it stays unchanged for `settle`.
///
/// The change time counts as well, because programs set the modification time of a file that they still write. A time in
/// the future would never settle.
pub(super) fn settle_time(
    settle: Duration,
    now: Timestamp,
    modified: Timestamp,
    changed: Timestamp,
) -> Timestamp {
    let times = [modified, changed].into_iter().filter(|time| *time <= now);
    times.max().unwrap_or(changed).after(settle)
}
