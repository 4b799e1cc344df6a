//! States of a job. The module [`super::transition`] defines the transitions.

use std::fmt;
use std::str::FromStr;

/// State of a job.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// In the queue, waiting for its turn, its retry time or the end of a hold. The submitter continues it.
    Queued,
    /// Claimed by a run. The request may have been sent. The submitter continues it, or recovery after a crash.
    Submitting,
    /// Accepted by the service, with a generation ID. The poller continues it.
    Pending,
    /// The complete result is stored in the database. The saver continues it.
    Received,
    /// Every output file is complete and synced to disk. This state is final.
    Done,
    /// Failed permanently. Only an operator can continue it, with `retry`.
    Failed,
    /// Removed from the queue by an operator. Only an operator can continue it, with `retry`.
    Cancelled,
    /// Outside the limits of its source. It is queued again by a run or a scan when the limits include it.
    Excluded,
}

impl JobState {
    /// Every state, in the order in which a job passes through them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Submitting,
        Self::Pending,
        Self::Received,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Excluded,
    ];

    /// Returns the name used in the database, in JSON and on the command line.
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
            Self::Excluded => "excluded",
        }
    }

    /// Returns whether a job stays in this state unless an operator intervenes.
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

/// Error for an unknown state name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown state `{0}`; expected one of queued, submitting, pending, received, done, failed, cancelled, excluded"
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
    fn every_state_round_trips_through_its_name() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("finished".parse::<JobState>().is_err());
    }
}
