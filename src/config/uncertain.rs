//! Handling of submissions whose answer was lost and cannot be recovered.

use std::str::FromStr;

/// Handling of a submission whose answer was lost and that a look-up does not find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertain {
    /// Submit the recording again. It may be paid twice.
    Resubmit,
    /// Fail the job and leave the decision to a person.
    Hold,
}

/// Error of parsing an [`Uncertain`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"resubmit\" or \"hold\", found \"{0}\"")]
pub struct UnknownUncertain(String);

impl FromStr for Uncertain {
    type Err = UnknownUncertain;

    fn from_str(text: &str) -> Result<Self, UnknownUncertain> {
        match text {
            "resubmit" => Ok(Self::Resubmit),
            "hold" => Ok(Self::Hold),
            other => Err(UnknownUncertain(other.to_owned())),
        }
    }
}
