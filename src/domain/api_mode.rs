//! API modes: the two ways to call the service.

use std::fmt;
use std::str::FromStr;

/// How a recording is submitted and its transcript is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiMode {
    /// `POST /stt/create` returns a generation ID. `GET /stt/{id}` returns the transcript.
    #[default]
    TwoStep,
    /// The old `POST /stt` returns the transcript itself. It is known to time out on long audio.
    Legacy,
}

impl ApiMode {
    /// Every mode, in the order used in the documentation.
    pub const ALL: [ApiMode; 2] = [ApiMode::TwoStep, ApiMode::Legacy];

    /// Returns the name used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            ApiMode::TwoStep => "two-step",
            ApiMode::Legacy => "legacy",
        }
    }
}

impl fmt::Display for ApiMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Error for an unknown mode name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown flow `{0}`; expected `two-step` or `legacy`")]
pub struct UnknownApiMode(pub String);

impl FromStr for ApiMode {
    type Err = UnknownApiMode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|flow| flow.as_str() == name)
            .ok_or_else(|| UnknownApiMode(name.to_owned()))
    }
}
