//! Which event leads from which state to which.
//!
//! ```text
//!   queued ──claimed──▶ submitting ──accepted──▶ pending ──completed──▶ received ──written──▶ done
//!     ▲  │                │  │  │                 │  │                     ▲
//!     │  │                │  │  └── answered at once (legacy flow) ────────┤
//!     │  └── shared: an equal recording was paid for already ──────────────┘
//!     ├──── found: its lost answer ────────▶ pending
//!     ├──── put back ─────┘  │                    │  │
//!     ├──── put back ────────┼────────────────────┘  │
//!     │                      └──────▶ failed ◀───────┘ ◀── failed (bad file) ── queued
//!     └── retried ── failed, cancelled        cancelled ◀── queued, pending
//! ```

use super::state::JobState;

/// Something that happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A runner is about to send it.
    Claimed,
    /// The service gave a generation ID.
    Accepted,
    /// A result came and is stored.
    Completed,
    /// The result of an equal recording was taken.
    Shared,
    /// The answer to its last submission was lost and is found: it was accepted.
    Found,
    /// Every output file is on disk.
    Written,
    /// It waits for another try.
    PutBack,
    /// A permanent cause, or the attempts are spent.
    Failed,
    /// A person took it out.
    Cancelled,
    /// A person asked for it again.
    Retried,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::Claimed,
        Self::Accepted,
        Self::Completed,
        Self::Shared,
        Self::Found,
        Self::Written,
        Self::PutBack,
        Self::Failed,
        Self::Cancelled,
        Self::Retried,
    ];

    /// The states in which this event may happen: what a guarded statement expects to find.
    #[must_use]
    pub const fn from_states(self) -> &'static [JobState] {
        use JobState::{Cancelled, Failed, Pending, Queued, Received, Submitting};
        match self {
            Self::Claimed | Self::Shared | Self::Found => &[Queued],
            Self::Accepted => &[Submitting],
            Self::Completed | Self::PutBack => &[Submitting, Pending],
            Self::Written => &[Received],
            Self::Failed => &[Queued, Submitting, Pending],
            Self::Cancelled => &[Queued, Pending],
            Self::Retried => &[Failed, Cancelled],
        }
    }

    /// The state this event leads to.
    #[must_use]
    pub const fn to_state(self) -> JobState {
        match self {
            Self::Claimed => JobState::Submitting,
            Self::Accepted | Self::Found => JobState::Pending,
            Self::Completed | Self::Shared => JobState::Received,
            Self::Written => JobState::Done,
            Self::PutBack | Self::Retried => JobState::Queued,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

/// The event cannot happen in that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{event:?}` cannot happen to a job that is {state}")]
pub struct Illegal {
    /// Where the job stood.
    pub state: JobState,
    /// What was to happen.
    pub event: Event,
}

/// The state after `event`.
///
/// # Errors
/// [`Illegal`] if the event cannot happen in `state`.
pub fn next(state: JobState, event: Event) -> Result<JobState, Illegal> {
    if event.from_states().contains(&state) {
        Ok(event.to_state())
    } else {
        Err(Illegal { state, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events() -> impl Strategy<Value = Vec<Event>> {
        proptest::collection::vec(proptest::sample::select(Event::ALL.to_vec()), 0..40)
    }

    proptest! {
        #[test]
        fn done_is_never_left(events in events()) {
            for event in events {
                prop_assert!(next(JobState::Done, event).is_err());
            }
        }

        #[test]
        fn a_result_once_received_is_never_asked_for_again(events in events()) {
            let mut state = JobState::Received;
            for event in events {
                state = next(state, event).unwrap_or(state);
                prop_assert!(matches!(state, JobState::Received | JobState::Done));
            }
        }

        #[test]
        fn only_a_claim_leads_to_a_submission_and_only_from_the_queue(events in events()) {
            let mut state = JobState::Queued;
            for event in events {
                if let Ok(after) = next(state, event) {
                    if after == JobState::Submitting {
                        prop_assert_eq!((state, event), (JobState::Queued, Event::Claimed));
                    }
                    state = after;
                }
            }
        }
    }

    #[test]
    fn what_a_person_took_out_or_what_failed_comes_back_only_by_retry() {
        for state in [JobState::Failed, JobState::Cancelled] {
            for event in Event::ALL {
                assert_eq!(
                    next(state, event).is_ok(),
                    event == Event::Retried,
                    "{state} {event:?}"
                );
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_from_the_queue() {
        let mut reached = vec![JobState::Queued];
        for _ in 0..JobState::ALL.len() {
            for state in reached.clone() {
                reached.extend(
                    Event::ALL
                        .iter()
                        .filter_map(|&event| next(state, event).ok()),
                );
            }
            reached.sort_unstable();
            reached.dedup();
        }
        assert_eq!(reached.len(), JobState::ALL.len());
    }
}
