//! The time at which a file settles.

use crate::domain::Timestamp;
use std::time::Duration;

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
