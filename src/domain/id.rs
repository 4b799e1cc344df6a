//! Identifiers, each a type of its own so that none can stand where another belongs.

use std::fmt;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
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
    /// A file or URL that was recorded; a row of `recordings`.
    RecordingId
}
row_id! {
    /// One transcription of one recording; a row of `jobs`, and the ID that users type.
    JobId
}
row_id! {
    /// One submission of a job; a row of `attempts`.
    AttemptId
}
row_id! {
    /// One start of a runner; a row of `runners`, and the owner of what it claimed.
    RunId
}

/// The service's ID of a transcription. Opaque: compared exactly, percent-encoded in a URL, never part of a file name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct GenerationId(String);

impl GenerationId {
    /// Takes the ID as the service gave it; `None` if it is blank or longer than 1,024 bytes, which no ID is.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.trim().is_empty() && id.len() <= 1024).then_some(Self(id))
    }

    /// The ID as the service gave it.
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
