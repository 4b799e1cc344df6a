//! The two ways the service takes a recording.

use std::fmt;
use std::str::FromStr;

/// How a recording is handed in and its transcript comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// `POST /stt/create` answers a generation ID; `GET /stt/{id}` answers the transcript.
    #[default]
    TwoStep,
    /// The old `POST /stt`: one call that answers the transcript itself, known to time out on long audio.
    Legacy,
}

impl Flow {
    /// Every flow, in the order documentation lists them.
    pub const ALL: [Flow; 2] = [Flow::TwoStep, Flow::Legacy];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Flow::TwoStep => "two-step",
            Flow::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no flow; there are two-step and legacy")]
pub struct UnknownFlow(pub String);

impl FromStr for Flow {
    type Err = UnknownFlow;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|flow| flow.as_str() == name)
            .ok_or_else(|| UnknownFlow(name.to_owned()))
    }
}
