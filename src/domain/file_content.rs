//! Content of a small recording, held in memory.

use bytes::Bytes;

/// Content of a file and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// All bytes of the file.
    pub bytes: Bytes,
    /// SHA-256 of the bytes in lowercase hexadecimal.
    pub sha256: String,
}
