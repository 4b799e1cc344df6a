//! Results that are at the service at present, according to the events of the run.

use crate::domain::{AwaitedResults, JobState};
use crate::pipeline::event::{Observer, RunEvent};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Results that would be left at the service if the process ended now. At most a second old.
#[derive(Debug, Default)]
pub(super) struct AwaitedNow(Mutex<AwaitedResults>);

impl AwaitedNow {
    pub(super) fn results(&self) -> AwaitedResults {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, AwaitedResults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for AwaitedNow {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Tick {
                counts,
                next_expiry,
                ..
            } => {
                let count = |state| counts.get(&state).copied().unwrap_or_default();
                *self.lock() = AwaitedResults {
                    pending: count(JobState::Pending),
                    uncertain: count(JobState::Submitting),
                    first_expiry: *next_expiry,
                    last_expiry: *next_expiry,
                };
            }
            RunEvent::Accepted { .. } => {
                let mut awaited = self.lock();
                awaited.pending += 1;
                awaited.uncertain = awaited.uncertain.saturating_sub(1);
            }
            RunEvent::Received { .. } => {
                let mut awaited = self.lock();
                awaited.pending = awaited.pending.saturating_sub(1);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JobId, Timestamp};

    #[test]
    fn events_update_the_last_snapshot() {
        let awaited = AwaitedNow::default();
        let time = Timestamp::from_millis(5);
        awaited.on_event(&RunEvent::Tick {
            counts: [(JobState::Pending, 1), (JobState::Submitting, 1)].into(),
            next_expiry: Some(time),
            now: Timestamp::from_millis(0),
        });
        let (job, name) = (JobId(1), "a.mp3".into());
        awaited.on_event(&RunEvent::Accepted { job, name });
        let results = awaited.results();
        assert_eq!((results.pending, results.uncertain), (2, 0));
        assert_eq!(results.first_expiry, Some(time));
    }
}
