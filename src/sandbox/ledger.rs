//! What was asked of the sandbox, and what it would have charged for.

use std::collections::BTreeMap;

/// Everything that was asked, for whoever checks a client.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Ledger {
    /// Generations, in the order they were made.
    pub generations: Vec<Row>,
    /// Submissions that were refused, by HTTP status.
    pub refused: BTreeMap<u16, u64>,
    /// Polls that were answered.
    pub polls: u64,
    /// Polls for what was not there, or not any more.
    pub missing: u64,
    /// Requests refused for coming too fast.
    pub over_limit: u64,
    /// Most submissions in any minute.
    pub peak_submits: usize,
    /// Most polls in any minute.
    pub peak_polls: usize,
}

/// A generation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    /// The generation's ID.
    pub id: String,
    /// `X-Client-Request-Id` of its submission.
    pub client_request_id: Option<String>,
    /// The model.
    pub model: String,
    /// The file's name, or the URL.
    pub name: String,
    /// Bytes of the audio.
    pub bytes: u64,
    /// SHA-256 of the audio.
    pub sha256: String,
    /// Length of the audio in seconds.
    pub duration_s: f64,
    /// When it was made, in seconds since the start of the sandbox.
    pub created_s: f64,
    /// How often it was asked for.
    pub polls: u32,
    /// Whether its result was given out.
    pub fetched: bool,
    /// Whether it failed, and so costs nothing.
    pub failed: bool,
}

impl Ledger {
    /// Generations that cost something.
    #[must_use]
    pub fn paid(&self) -> usize {
        self.generations.iter().filter(|row| !row.failed).count()
    }
}
