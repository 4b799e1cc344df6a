//! Free space on a disk.

use std::path::Path;

/// Free space on the disk of the state folder below which submissions are held, in bytes. Results of generations
/// already at the service still fit.
pub const MIN_FREE_BYTES: u64 = 64 << 20;
/// Free space that files leave which can be made again, in bytes. With less than half of it, submissions are held.
const KEPT_FREE_BYTES: u64 = 2 * MIN_FREE_BYTES;

/// Returns the space available to ordinary users on the disk of `folder`, in bytes. Returns `None` if the system cannot
/// report it.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Returns the space for files in `folder` that can be made again, such as copies of recordings, in bytes. It is none if the
/// free space is unknown.
#[must_use]
pub fn spare_bytes(folder: &Path) -> u64 {
    let free = free_bytes(folder).unwrap_or(0);
    free.saturating_sub(KEPT_FREE_BYTES)
}
