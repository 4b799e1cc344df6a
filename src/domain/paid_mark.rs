//! Marks of queued jobs whose recording may be paid for already.

use std::str::FromStr;

/// Evidence that the recording of a queued job is paid for already, or the approval to pay for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaidMark {
    /// A transcript has the name of the recording, and the queue does not know it.
    Transcribed,
    /// The recording was transcribed and has another content since.
    Changed,
    /// The user has approved the payment.
    Approved,
}

impl PaidMark {
    /// Every mark.
    pub const ALL: [Self; 3] = [Self::Transcribed, Self::Changed, Self::Approved];

    /// Returns the name used in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcribed => "transcribed",
            Self::Changed => "changed",
            Self::Approved => "approved",
        }
    }
}

/// Error for an unknown mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown mark `{0}`")]
pub struct UnknownPaidMark(String);

impl FromStr for PaidMark {
    type Err = UnknownPaidMark;

    fn from_str(text: &str) -> Result<Self, UnknownPaidMark> {
        Self::ALL
            .into_iter()
            .find(|mark| mark.as_str() == text)
            .ok_or_else(|| UnknownPaidMark(text.to_owned()))
    }
}
