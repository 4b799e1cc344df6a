//! The states of a job.

use std::fmt;
use std::str::FromStr;

/// Where a job stands. Which state follows which is said once, in [`super::transition`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Recorded; waits for its turn, a retry time or a hold. The submitter moves it on.
    Queued,
    /// Claimed; the request may have left this machine. The submitter moves it on, or recovery after a crash.
    Submitting,
    /// The service gave a generation ID. The poller moves it on.
    Pending,
    /// The whole result is safe in the database. The saver moves it on.
    Received,
    /// Every output file is on disk, whole and synced. Nothing moves it on.
    Done,
    /// Nothing more is tried. Only a person moves it on, with `retry`.
    Failed,
    /// Taken out of the queue by a person. Only a person moves it on, with `retry`.
    Cancelled,
}

impl JobState {
    /// Every state, in the order a job goes through them.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Submitting,
        Self::Pending,
        Self::Received,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name used in the database, in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Submitting => "submitting",
            Self::Pending => "pending",
            Self::Received => "received",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing happens to such a job any more unless a person asks for it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no state; the states are queued, submitting, pending, received, done, failed, cancelled"
)]
pub struct UnknownState(String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_name() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("finished".parse::<JobState>().is_err());
    }
}
