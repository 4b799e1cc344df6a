//! The last day in numbers: what was submitted, saved and failed, and what expires next.

use super::error::AppError;
use super::session::Session;
use crate::domain::Timestamp;
use crate::store::sqlite::timeline::Moment;
use std::time::Duration;

/// Number of slots of the last day: a quarter of an hour each.
const SLOTS: u32 = 96;
/// Length of the last day.
const DAY: Duration = Duration::from_secs(86_400);
/// Number of slots until the end of the retention.
const EXPIRY_SLOTS: u32 = 12;

/// Numbers of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Submissions that the service accepted, or may have accepted.
    pub submitted: u64,
    /// Results that were saved.
    pub saved: u64,
    /// Items that failed.
    pub failed: u64,
}

/// The last day, and the pending items by their expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Start of the first slot.
    pub from: Timestamp,
    /// End of the last slot.
    pub now: Timestamp,
    /// Slots of equal length, oldest first.
    pub slots: Vec<Slot>,
    /// Number of pending items that expire in each part of the retention from now on. The first one includes those that have
    /// expired.
    pub expiring: Vec<u64>,
    /// Length of the retention.
    pub retention: Duration,
}

/// Loads the last day. It is empty while no queue exists.
///
/// # Errors
/// If the database fails.
pub async fn timeline(session: &Session) -> Result<Timeline, AppError> {
    let now = session.now();
    let retention = session.config.api.retention;
    let mut timeline = Timeline {
        from: now.before(DAY),
        now,
        slots: vec![Slot::default(); SLOTS as usize],
        expiring: vec![0; EXPIRY_SLOTS as usize],
        retention,
    };
    let Some(store) = session.existing_store().await? else {
        return Ok(timeline);
    };
    let from = timeline.from;
    for (moment, slot, count) in store.moments(from, retention, DAY / SLOTS).await? {
        let Some(slot) = timeline.slots.get_mut(slot) else {
            continue;
        };
        match moment {
            Moment::Submitted => slot.submitted += count,
            Moment::Saved => slot.saved += count,
            Moment::Failed => slot.failed += count,
        }
    }
    for (slot, count) in store.expiring(now, retention / EXPIRY_SLOTS).await? {
        let last = timeline.expiring.len() - 1;
        timeline.expiring[slot.min(last)] += count;
    }
    store.close().await;
    Ok(timeline)
}
