//! Detection of changed files, by size and modification time.

use crate::domain::Revision;
use bytes::Bytes;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

impl TryFrom<&Metadata> for Revision {
    type Error = io::Error;

    fn try_from(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            size_bytes: metadata.len(),
            modified: metadata.modified()?.into(),
        })
    }
}

/// Reads a file. Returns `None` if the file does not match `expected`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn read_if_unchanged(path: &Path, expected: Revision) -> io::Result<Option<Bytes>> {
    let mut file = File::open(path)?;
    let size = usize::try_from(expected.size_bytes).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(size + 1);
    file.by_ref()
        .take(expected.size_bytes + 1)
        .read_to_end(&mut bytes)?;
    // Checked after reading, so that a change during the read is detected.
    let is_same = bytes.len() == size && Revision::try_from(&file.metadata()?)? == expected;
    Ok(is_same.then(|| bytes.into()))
}

/// Returns the fingerprint of the file at `path`.
///
/// # Errors
/// Returns an error if the file does not exist or is not a regular file.
pub fn of(path: &Path) -> io::Result<Revision> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Revision::try_from(&metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn only_the_expected_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let expected = of(&path).unwrap();
        let content = read_if_unchanged(&path, expected).unwrap().unwrap();
        assert_eq!(content, "abc");
        for size_bytes in [2, 4] {
            let other = Revision {
                size_bytes,
                ..expected
            };
            assert_eq!(read_if_unchanged(&path, other).unwrap(), None);
        }
        let modified = expected.modified.after(std::time::Duration::from_millis(1));
        let later = Revision {
            modified,
            ..expected
        };
        assert_eq!(read_if_unchanged(&path, later).unwrap(), None);
    }

    #[test]
    fn a_new_size_or_time_changes_the_fingerprint() {
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
            Revision {
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
