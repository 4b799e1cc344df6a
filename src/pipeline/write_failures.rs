//! The time for which output files could not be written.

use crate::domain::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The time since which every write of output files has failed.
#[derive(Debug, Default)]
pub struct WriteFailures(Mutex<Option<Timestamp>>);

impl WriteFailures {
    /// Records whether a write at `now` succeeded.
    pub fn record(&self, written: bool, now: Timestamp) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if written { None } else { since.or(Some(now)) };
    }

    /// Returns how long all writes have failed.
    pub fn failing_for(&self, now: Timestamp) -> Duration {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| now.since(since))
    }
}
