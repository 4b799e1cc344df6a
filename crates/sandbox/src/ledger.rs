//! Ledger of the sandbox: the received calls, and the submissions that would have been charged.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of all calls since the start, for tests of a client. Rows remain after their generation has expired.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Ledger {
    /// Accepted submissions, equal to the number of rows.
    pub accepted: u64,
    /// Accepted submissions that are charged: those that do not fail.
    pub paid: u64,
    /// Rejected submissions by HTTP status.
    pub refused: BTreeMap<u16, u64>,
    /// Submissions whose connection was cut before acceptance.
    pub cut: u64,
    /// All polls, including failed ones.
    pub polls: u64,
    /// Polls with a 404 response.
    pub missing: u64,
    /// Submissions and polls over the rate limit.
    pub over_limit: u64,
    /// Maximum number of submissions in any 60 seconds, without those over the limit.
    pub peak_submits_per_minute: usize,
    /// Maximum number of polls in any 60 seconds, without those over the limit.
    pub peak_polls_per_minute: usize,
    /// All generations in order of creation.
    pub generations: Vec<LedgerEntry>,
}

/// Ledger entry of one generation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LedgerEntry {
    /// Generation ID.
    pub id: String,
    /// `X-Client-Request-Id` of the submission, if present and well-formed.
    pub client_request_id: Option<String>,
    /// Requested model.
    pub model: String,
    /// File name or URL.
    pub name: String,
    /// Size of the audio in bytes. 0 for a URL.
    pub bytes: u64,
    /// SHA-256 of the audio, or of the text of a URL.
    pub sha256: Sha256Sum,
    /// Duration of the audio in seconds.
    pub duration_s: f64,
    /// Time of creation in UTC milliseconds.
    pub created_ms: i64,
    /// Number of polls that found the generation.
    pub polls: u32,
    /// Whether the complete transcript was sent.
    pub fetched: bool,
    /// Outcome, decided at creation.
    pub outcome: GenerationOutcome,
}

/// Outcome of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationOutcome {
    /// A transcript, which is charged.
    Transcribed,
    /// An error, which is free.
    Failed,
}

/// SHA-256 hash, displayed as 64 lower-case hexadecimal digits.
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
