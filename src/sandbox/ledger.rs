//! What was asked of the sandbox, and what would have been charged.

use std::collections::BTreeMap;
use std::fmt;

/// Everything that was asked since the start, for whoever checks a client. A row stays when its generation has expired.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Ledger {
    /// Submissions that were accepted: as many as there are rows.
    pub accepted: u64,
    /// Those of them that cost something: all that do not fail.
    pub paid: u64,
    /// Submissions that were refused, by HTTP status.
    pub refused: BTreeMap<u16, u64>,
    /// Submissions whose connection was cut with nothing accepted.
    pub cut: u64,
    /// Polls, however they were answered.
    pub polls: u64,
    /// Polls that were answered 404.
    pub missing: u64,
    /// Submissions and polls that were refused because too many came.
    pub over_limit: u64,
    /// The most submissions in any 60 seconds, without those over the limit.
    pub peak_submits_per_minute: usize,
    /// The most polls in any 60 seconds, without those over the limit.
    pub peak_polls_per_minute: usize,
    /// Every generation, in the order of their creation.
    pub generations: Vec<Row>,
}

/// One generation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    /// The generation ID.
    pub id: String,
    /// `X-Client-Request-Id` of the submission, if it had one that is well-formed.
    pub client_request_id: Option<String>,
    /// The model, as it was asked for.
    pub model: String,
    /// The file's name, or the URL.
    pub name: String,
    /// Bytes of the audio; 0 for a URL.
    pub bytes: u64,
    /// SHA-256 of the audio; of the URL itself for a URL.
    pub sha256: Sha256Sum,
    /// Length of the audio in seconds.
    pub duration_s: f64,
    /// When it was created, in UTC milliseconds.
    pub created_ms: i64,
    /// How often it was polled while it was there.
    pub polls: u32,
    /// Whether its transcript was sent in whole.
    pub fetched: bool,
    /// How it ends, decided at its creation.
    pub outcome: Outcome,
}

/// How a generation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a transcript, which is paid for.
    Transcribed,
    /// With an error, which costs nothing.
    Failed,
}

/// A SHA-256; shown as 64 digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sha256Sum(pub [u8; 32]);

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Sha256Sum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
