//! Newtypes for identifiers, so that they cannot be mixed up.

use std::fmt;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize,
        )]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id! {
    /// ID of a recording (a file or URL): a row of `recordings`.
    RecordingId
}
row_id! {
    /// ID of a job, which transcribes one recording: a row of `jobs`. This is the ID used on the command line.
    JobId
}
row_id! {
    /// ID of one submission of a job: a row of `attempts`.
    AttemptId
}
row_id! {
    /// ID of one run: a row of `runners`. A run owns the jobs that it has claimed.
    RunId
}

/// ID of a transcription at the service. The ID is opaque: it is compared exactly, percent-encoded in URLs and never used
/// in a file name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GenerationId(String);

impl GenerationId {
    /// Creates an ID from the text sent by the service. Returns `None` if the text is blank or longer than 1,024 bytes.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.trim().is_empty() && id.len() <= 1024).then_some(Self(id))
    }

    /// Returns the ID as sent by the service.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
