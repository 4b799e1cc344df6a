//! Content of a small recording, held in memory.

use super::recording_identity::RecordingHash;
use bytes::Bytes;

/// Content of a file and its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// All bytes of the file.
    pub bytes: Bytes,
    /// Hashes of the bytes.
    pub hash: RecordingHash,
}
