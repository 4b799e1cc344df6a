//! Why nothing is submitted for now. A hold is nobody's failure and spends no attempt.

use super::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// The cause of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The service refused the key (401).
    Auth,
    /// The account is out of credit (402, 403).
    Credit,
    /// A person said `nightscribe pause`.
    Operator,
    /// The disk of the state folder is too full to keep results safe.
    Disk,
    /// What may be submitted in a run, a day or a month is used up.
    Budget,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Auth,
        Self::Credit,
        Self::Operator,
        Self::Disk,
        Self::Budget,
    ];

    /// The name used in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Credit => "credit",
            Self::Operator => "operator",
            Self::Disk => "disk",
            Self::Budget => "budget",
        }
    }

    /// The cause in a few words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Auth => "the key is refused",
            Self::Credit => "out of credit",
            Self::Operator => "paused",
            Self::Disk => "too little room on the disk",
            Self::Budget => "the budget is used up",
        }
    }

    /// One sentence that says how it ends.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Auth => {
                "Put a valid API key in place and check it with `nightscribe check`; a daemon finds out by itself."
            }
            Self::Credit => "Add credit to the account; a daemon finds out by itself.",
            Self::Operator => "`nightscribe resume` goes on.",
            Self::Disk => "Make room on the disk of the state folder; it goes on by itself.",
            Self::Budget => {
                "It goes on by itself with the next run, day or month; raise [budget] to go on now."
            }
        }
    }

    /// Whether it is this machine's affair and only lasts as long as its cause: a start looks anew.
    #[must_use]
    pub const fn is_reckoned(self) -> bool {
        matches!(self, Self::Disk | Self::Budget)
    }

    /// Whether it ends only when a person does something, who is told at once when it begins.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Auth | Self::Credit | Self::Disk)
    }

    /// Whether the service imposed it, so that only a submission can show that it is over.
    #[must_use]
    pub const fn is_probed(self) -> bool {
        matches!(self, Self::Auth | Self::Credit)
    }
}

impl fmt::Display for HoldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no kind of hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of hold")]
pub struct UnknownHold(String);

impl FromStr for HoldKind {
    type Err = UnknownHold;

    fn from_str(text: &str) -> Result<Self, UnknownHold> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownHold(text.to_owned()))
    }
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hold {
    /// Its cause.
    pub kind: HoldKind,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself, where that is known.
    pub ends: Option<Timestamp>,
    /// What happened.
    pub message: String,
}

impl Hold {
    /// A hold that ends when something changes.
    #[must_use]
    pub const fn new(kind: HoldKind, since: Timestamp, message: String) -> Self {
        Self {
            kind,
            since,
            ends: None,
            message,
        }
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}
