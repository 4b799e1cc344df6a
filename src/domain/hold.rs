//! Holds: reasons to suspend submissions. A hold does not count as a failure and uses no attempt.

use super::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Cause of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The service rejected the API key (401).
    Auth,
    /// The account is out of credit (402, 403).
    Credit,
    /// An operator ran `nightscribe pause`.
    Operator,
    /// The disk of the state folder has too little free space to store results.
    Disk,
    /// The budget of the run, the day or the month is used up.
    Budget,
    /// Several paid transcriptions in a row did not come back from the service.
    LostResults,
    /// Recordings of a source look as if they were paid for before. Only that source is held.
    #[serde(rename = "looks-paid")]
    LooksPaid,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Auth,
        Self::Credit,
        Self::Operator,
        Self::Disk,
        Self::Budget,
        Self::LostResults,
        Self::LooksPaid,
    ];

    /// Returns the name used in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Credit => "credit",
            Self::Operator => "operator",
            Self::Disk => "disk",
            Self::Budget => "budget",
            Self::LostResults => "lost_results",
            Self::LooksPaid => "looks-paid",
        }
    }

    /// Returns the cause in a few words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Auth => "API key rejected",
            Self::Credit => "out of credit",
            Self::Operator => "paused",
            Self::Disk => "too little disk space",
            Self::Budget => "budget used up",
            Self::LostResults => "paid transcriptions do not come back",
            Self::LooksPaid => "looks paid already",
        }
    }

    /// Returns advice on how to end the hold.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Auth => {
                "Set a valid API key and check it with `nightscribe check`. A running daemon retries automatically."
            }
            Self::Credit => "Add credit to the account. A running daemon retries automatically.",
            Self::Operator => "Run `nightscribe resume` to continue.",
            Self::Disk => {
                "Free some space on the disk of the state folder. Submissions then resume automatically."
            }
            Self::Budget => {
                "Submissions resume automatically with the next run, day or month. Raise [budget] to continue now."
            }
            Self::LostResults => {
                "Ask the service, or try another model. One submission an hour tests whether results come back. `nightscribe resume` submits everything again."
            }
            Self::LooksPaid => {
                "Take over your transcripts with `nightscribe adopt`. If they are of another program, or the changed recordings are to be paid for, run `nightscribe resume --submit-anyway`."
            }
        }
    }

    /// Returns whether the hold depends only on local conditions. Such a hold is cleared at start and set again if its
    /// cause still exists.
    #[must_use]
    pub const fn is_recomputed(self) -> bool {
        matches!(self, Self::Disk | Self::Budget)
    }

    /// Returns whether the hold ends only after an action outside nightscribe. A notification is sent as soon as such a
    /// hold begins.
    #[must_use]
    pub const fn needs_action(self) -> bool {
        matches!(
            self,
            Self::Auth | Self::Credit | Self::Disk | Self::LostResults | Self::LooksPaid
        )
    }

    /// Returns whether the service caused the hold. Only another submission can show that such a hold is over.
    #[must_use]
    pub const fn is_probed(self) -> bool {
        self.probe_interval().is_some()
    }

    /// Returns the time between two submissions that test whether the hold still applies. `None` if none do.
    ///
    /// A refused submission costs nothing; one whose result is lost is paid for.
    #[must_use]
    pub const fn probe_interval(self) -> Option<Duration> {
        match self {
            Self::Auth | Self::Credit => Some(Duration::from_secs(300)),
            Self::LostResults => Some(Duration::from_secs(3600)),
            Self::Operator | Self::Disk | Self::Budget | Self::LooksPaid => None,
        }
    }

    /// Returns whether `nightscribe resume` ends the hold.
    #[must_use]
    pub const fn ends_with_resume(self) -> bool {
        matches!(self, Self::Operator | Self::LostResults)
    }

    /// Returns whether the hold is over when the service accepts a submission.
    #[must_use]
    pub const fn ends_with_acceptance(self) -> bool {
        matches!(self, Self::Auth | Self::Credit)
    }
}

impl fmt::Display for HoldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Error for an unknown hold name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown hold `{0}`")]
pub struct UnknownHoldKind(String);

impl FromStr for HoldKind {
    type Err = UnknownHoldKind;

    fn from_str(text: &str) -> Result<Self, UnknownHoldKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownHoldKind(text.to_owned()))
    }
}

/// An active hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hold {
    /// Cause of the hold.
    pub kind: HoldKind,
    /// Source that is held; `None` if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Time when the hold began.
    pub since: Timestamp,
    /// Time when the hold ends automatically, if known.
    pub ends: Option<Timestamp>,
    /// Details of the cause.
    pub message: String,
}

impl Hold {
    /// Creates a hold without a known end.
    #[must_use]
    pub const fn new(kind: HoldKind, since: Timestamp, message: String) -> Self {
        Self {
            kind,
            source: None,
            since,
            ends: None,
            message,
        }
    }

    /// Creates the hold of a source whose recordings look as if they were paid for.
    #[must_use]
    pub fn of_source(source: &str, since: Timestamp, message: String) -> Self {
        Self {
            source: Some(source.to_owned()),
            ..Self::new(HoldKind::LooksPaid, since, message)
        }
    }

    /// Returns whether the hold has ended automatically.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}
