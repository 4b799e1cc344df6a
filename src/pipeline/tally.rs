//! Counters of a run.

use super::event::{Observer, RunEvent};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of a run, kept from its events.
#[derive(Debug, Default)]
pub struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
    warned: AtomicU64,
}

impl Tally {
    /// Returns the number of jobs done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs done with warnings.
    pub fn warned(&self) -> u64 {
        self.warned.load(Ordering::Relaxed)
    }
}

impl Observer for Tally {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Done { .. } => self.done.fetch_add(1, Ordering::Relaxed),
            RunEvent::Warned { .. } => self.warned.fetch_add(1, Ordering::Relaxed),
            RunEvent::Failed { .. } => self.failed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}
