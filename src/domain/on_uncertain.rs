//! Handling of submissions whose answer was lost and cannot be recovered.

use std::str::FromStr;

/// Handling of a submission whose answer was lost and that a look-up does not find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUncertain {
    /// Submit the recording again. It may be paid twice.
    Resubmit,
    /// Fail the job and leave the decision to a person.
    Hold,
}

/// Error of parsing an [`OnUncertain`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"resubmit\" or \"hold\", found \"{0}\"")]
pub struct UnknownOnUncertain(String);

impl FromStr for OnUncertain {
    type Err = UnknownOnUncertain;

    fn from_str(text: &str) -> Result<Self, UnknownOnUncertain> {
        match text {
            "resubmit" => Ok(Self::Resubmit),
            "hold" => Ok(Self::Hold),
            other => Err(UnknownOnUncertain(other.to_owned())),
        }
    }
}
