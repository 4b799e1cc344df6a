//! What is done about a submission whose answer was lost and stays lost.

use std::str::FromStr;

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertain {
    /// It is submitted again, and may be paid twice.
    Resubmit,
    /// It fails, for a person to decide.
    Hold,
}

/// The text names neither.
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
