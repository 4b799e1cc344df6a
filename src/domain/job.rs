//! A job: the transcription of one recording by one request.

use super::id::JobId;
use super::request::Request;

/// The transcription of one recording. Its states are in [`state`](super::state), its transitions in
/// [`transition`](super::transition).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Job ID.
    pub id: JobId,
    /// Model and options.
    pub request: Request,
    /// Number of attempts spent.
    pub attempts: u32,
}
