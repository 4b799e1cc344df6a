//! A transcription in time.

use super::submission::Submission;
use std::time::Duration;

/// A submission that was accepted.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) submission: Submission,
    /// Since the start of the sandbox.
    pub(super) created: Duration,
    /// Its place in the ledger.
    pub(super) row: usize,
    pub(super) fails: bool,
}

/// What a generation is like at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Waiting,
    Active,
    Ended,
    Expired,
}

/// The status after `age`.
pub(super) fn status(age: Duration, delay: Duration, retention: Duration) -> Status {
    if age >= retention {
        Status::Expired
    } else if age >= delay {
        Status::Ended
    } else if age >= delay / 4 {
        Status::Active
    } else {
        Status::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_waits_works_ends_and_is_forgotten() {
        let at = |seconds| {
            status(
                Duration::from_secs(seconds),
                Duration::from_secs(8),
                Duration::from_secs(100),
            )
        };
        assert_eq!(
            [0, 1, 2, 7].map(at),
            [
                Status::Waiting,
                Status::Waiting,
                Status::Active,
                Status::Active
            ]
        );
        assert_eq!(
            [8, 99, 100].map(at),
            [Status::Ended, Status::Ended, Status::Expired]
        );
        assert_eq!(
            status(Duration::ZERO, Duration::ZERO, Duration::from_secs(1)),
            Status::Ended
        );
    }
}
