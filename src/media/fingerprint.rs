//! What tells whether a file is still the same.

use crate::domain::Timestamp;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Bytes read at once for a hash.
const CHUNK: usize = 256 * 1024;

/// Size and time of a file, cheap to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was last changed.
    pub modified: Timestamp,
}

impl TryFrom<&Metadata> for Fingerprint {
    type Error = io::Error;

    fn try_from(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            size_bytes: metadata.len(),
            modified: metadata.modified()?.into(),
        })
    }
}

/// The fingerprint of the file at `path`.
///
/// # Errors
/// If it is not there or is no file.
pub fn of(path: &Path) -> io::Result<Fingerprint> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Fingerprint::try_from(&metadata)
}

/// SHA-256 of the file's content, in lower-case hexadecimal.
///
/// # Errors
/// If it cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(CHUNK);
    let mut hash = Sha256::new();
    // One byte more, so that the end of a small file is seen with its last byte...
    let mut chunk = vec![0; size.clamp(1, CHUNK)];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(format!("{:x}", Bytes::copy_from_slice(&hash.finalize()))),
            n => hash.update(&chunk[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256_in_lower_case() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_change_of_content_or_time_changes_the_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let set = |content: &str, second: u64| {
            std::fs::write(&path, content).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
            of(&path).unwrap()
        };
        let first = set("abc", 1);
        assert_eq!(
            first,
            Fingerprint {
                size_bytes: 3,
                modified: Timestamp::from_millis(1000)
            }
        );
        assert_eq!(set("xyz", 1), first);
        assert_ne!(set("abcd", 1), first);
        assert_ne!(set("abc", 2), first);
        assert!(of(folder.path()).is_err());
    }
}
