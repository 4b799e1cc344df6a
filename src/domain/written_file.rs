//! Files that were written, and how their content is recognised later.

use super::readable_path::serialize_path;
use serde::Serialize;
use std::path::PathBuf;

/// SHA-256 of the content of a file.
pub type ContentHash = [u8; 32];

/// An output file, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the content.
    pub sha256: ContentHash,
    /// Change time of the inode after the write (`ctime`), in nanoseconds. `None` if it could not be read.
    pub changed_at_ns: Option<i64>,
}

/// The record of a file that was written before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRecord {
    /// Size in bytes, as written.
    pub size_bytes: u64,
    /// SHA-256 of the content, as written. `None` if an earlier version wrote the file.
    pub sha256: Option<ContentHash>,
    /// Change time of the inode after the write, in nanoseconds.
    pub changed_at_ns: Option<i64>,
    /// SHA-256 of a content that was about to replace the file when a process ended.
    pub replacing: Option<ContentHash>,
}

impl FileRecord {
    /// Returns the hash of a file with this size and change time, if it is unchanged since the write.
    ///
    /// Every change of the content changes the time, also one that restores the modification time.
    #[must_use]
    pub fn unchanged(&self, size_bytes: u64, changed_at_ns: i64) -> Option<ContentHash> {
        let is_unchanged =
            self.size_bytes == size_bytes && self.changed_at_ns == Some(changed_at_ns);
        self.sha256.filter(|_| is_unchanged)
    }

    /// Whether a file of this size may have been written by nightscribe. If not, its content need not be read.
    #[must_use]
    pub const fn may_be_written(&self, size_bytes: u64) -> bool {
        // The size of a replacement is not recorded.
        self.replacing.is_some() || (self.sha256.is_some() && self.size_bytes == size_bytes)
    }

    /// Whether nightscribe wrote a file with this content.
    #[must_use]
    pub fn is_written(&self, content: &ContentHash) -> bool {
        [self.sha256, self.replacing].contains(&Some(*content))
    }
}

/// An edited output file that was kept, and the file with the new content next to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeptFile {
    /// The edited file.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// The file with the new content.
    #[serde(serialize_with = "serialize_path")]
    pub new: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: FileRecord = FileRecord {
        size_bytes: 5,
        sha256: Some([1; 32]),
        changed_at_ns: Some(9),
        replacing: None,
    };

    #[test]
    fn only_equal_size_and_time_prove_that_a_file_is_unchanged() {
        assert_eq!(WRITTEN.unchanged(5, 9), Some([1; 32]));
        assert_eq!(WRITTEN.unchanged(6, 9), None);
        assert_eq!(WRITTEN.unchanged(5, 8), None);
        let untimed = FileRecord {
            changed_at_ns: None,
            ..WRITTEN
        };
        assert_eq!(untimed.unchanged(5, 9), None);
    }

    #[test]
    fn the_content_decides_after_the_size() {
        assert!(WRITTEN.may_be_written(5) && !WRITTEN.may_be_written(6));
        assert!(WRITTEN.is_written(&[1; 32]) && !WRITTEN.is_written(&[2; 32]));
    }

    #[test]
    fn an_interrupted_replacement_is_recognised() {
        let interrupted = FileRecord {
            replacing: Some([2; 32]),
            ..WRITTEN
        };
        assert!(interrupted.may_be_written(6));
        assert!(interrupted.is_written(&[1; 32]) && interrupted.is_written(&[2; 32]));
    }

    #[test]
    fn a_file_of_an_earlier_version_is_never_recognised() {
        let earlier = FileRecord {
            size_bytes: 5,
            ..FileRecord::default()
        };
        assert!(!earlier.may_be_written(5) && !earlier.is_written(&[0; 32]));
    }
}
