//! State machine of a job: the transitions between its states.
//!
//! ```text
//!   queued ──claimed──▶ submitting ──accepted──▶ pending ──completed──▶ received ──written──▶ done
//!     ▲  │                │  │  │                 │  │                     ▲
//!     │  │                │  │  └── answered directly (legacy flow) ───────┤
//!     │  ├── shared: result of a duplicate that was already paid for ──────┤
//!     │  └── imported: result of a transcript on disk ─────────────────────┘
//!     ├──── found: uncertain submission ───▶ pending
//!     ├──── requeued ─────┘  │                    │  │
//!     ├──── requeued ────────┼────────────────────┘  │
//!     │                      └──────▶ failed ◀───────┘ ◀── failed (bad file) ── queued
//!     ├── retried ── failed, cancelled, excluded     cancelled ◀── queued, pending, excluded
//!     └── included ── excluded ◀── excluded (limits of the source) ── queued
//!                                         pending ◀── uncancelled ── cancelled
//! ```

use super::state::JobState;

/// Event in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// A run claimed the job for submission.
    Claimed,
    /// The service accepted the submission and returned a generation ID.
    Accepted,
    /// A result was received and stored.
    Completed,
    /// The result of a duplicate recording was reused.
    Deduplicated,
    /// The result of a transcript on disk was taken over. If its files are in their place, [`Written`](Self::Written)
    /// follows in the same change.
    Imported,
    /// A look-up showed that the last submission, whose response was lost, had been accepted.
    Recovered,
    /// All output files were written.
    Written,
    /// The job was requeued for another attempt.
    Requeued,
    /// The job failed, because the cause is permanent or no attempts are left.
    Failed,
    /// An operator cancelled the job.
    Cancelled,
    /// The limits of its source exclude the recording.
    Excluded,
    /// The limits of its source include the recording again.
    Included,
    /// An operator requeued the job with `retry`.
    Retried,
    /// An operator retried a job that was cancelled while it was pending, and the service still has its transcription.
    Uncancelled,
}

impl JobEvent {
    /// Every event.
    pub const ALL: [Self; 14] = [
        Self::Claimed,
        Self::Accepted,
        Self::Completed,
        Self::Deduplicated,
        Self::Imported,
        Self::Recovered,
        Self::Written,
        Self::Requeued,
        Self::Failed,
        Self::Cancelled,
        Self::Excluded,
        Self::Included,
        Self::Retried,
        Self::Uncancelled,
    ];

    /// Returns the states in which the event is valid. This table is the specification: the guard of each statement of the store
    /// names the same states.
    #[must_use]
    pub const fn from_states(self) -> &'static [JobState] {
        use JobState::{Cancelled, Excluded, Failed, Pending, Queued, Received, Submitting};
        match self {
            Self::Claimed
            | Self::Deduplicated
            | Self::Imported
            | Self::Recovered
            | Self::Excluded => &[Queued],
            Self::Accepted => &[Submitting],
            Self::Completed | Self::Requeued => &[Submitting, Pending],
            Self::Written => &[Received],
            Self::Failed => &[Queued, Submitting, Pending],
            Self::Cancelled => &[Queued, Pending, Excluded],
            Self::Included => &[Excluded],
            Self::Retried => &[Failed, Cancelled, Excluded],
            Self::Uncancelled => &[Cancelled],
        }
    }

    /// Returns the state after the event.
    #[must_use]
    pub const fn to_state(self) -> JobState {
        match self {
            Self::Claimed => JobState::Submitting,
            Self::Accepted | Self::Recovered | Self::Uncancelled => JobState::Pending,
            Self::Completed | Self::Deduplicated | Self::Imported => JobState::Received,
            Self::Written => JobState::Done,
            Self::Requeued | Self::Retried | Self::Included => JobState::Queued,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
            Self::Excluded => JobState::Excluded,
        }
    }
}

/// Error for an event that is not valid in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event `{event:?}` is not valid in state `{state}`")]
pub struct InvalidTransition {
    /// Current state of the job.
    pub state: JobState,
    /// Rejected event.
    pub event: JobEvent,
}

/// Returns the state after `event`.
///
/// # Errors
/// [`InvalidTransition`] if the event is not valid in `state`.
pub fn next(state: JobState, event: JobEvent) -> Result<JobState, InvalidTransition> {
    if event.from_states().contains(&state) {
        Ok(event.to_state())
    } else {
        Err(InvalidTransition { state, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events() -> impl Strategy<Value = Vec<JobEvent>> {
        proptest::collection::vec(proptest::sample::select(JobEvent::ALL.to_vec()), 0..40)
    }

    proptest! {
        #[test]
        fn done_is_final(events in events()) {
            for event in events {
                prop_assert!(next(JobState::Done, event).is_err());
            }
        }

        #[test]
        fn a_received_result_is_never_fetched_again(events in events()) {
            let mut state = JobState::Received;
            for event in events {
                state = next(state, event).unwrap_or(state);
                prop_assert!(matches!(state, JobState::Received | JobState::Done));
            }
        }

        #[test]
        fn only_claiming_a_queued_job_leads_to_submission(events in events()) {
            let mut state = JobState::Queued;
            for event in events {
                if let Ok(after) = next(state, event) {
                    if after == JobState::Submitting {
                        prop_assert_eq!((state, event), (JobState::Queued, JobEvent::Claimed));
                    }
                    state = after;
                }
            }
        }
    }

    #[test]
    fn failed_and_cancelled_jobs_return_only_by_retry() {
        for state in [JobState::Failed, JobState::Cancelled] {
            for event in JobEvent::ALL {
                assert_eq!(
                    next(state, event).is_ok(),
                    event == JobEvent::Retried
                        || (state, event) == (JobState::Cancelled, JobEvent::Uncancelled),
                    "{state} {event:?}"
                );
            }
        }
    }

    #[test]
    fn every_state_is_reachable_from_queued() {
        let mut reached = vec![JobState::Queued];
        for _ in 0..JobState::ALL.len() {
            for state in reached.clone() {
                reached.extend(
                    JobEvent::ALL
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
