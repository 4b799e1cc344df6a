//! A small recording, read as a whole.

use bytes::Bytes;

/// All bytes of a file, with their hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Bytes,
    /// Their SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}
