//! Files that programs of this machine have open for writing.
//!
//! A recorder may write nothing for longer than any settle time, because it is paused or writes in large steps. Its file
//! is complete only when it is closed.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bits of the access mode in the flags of an open file. Zero means read-only.
const ACCESS_MODE: u32 = 3;

/// Snapshot of the files that are open for writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFiles {
    /// Device and inode of each file.
    files: HashSet<(u64, u64)>,
}

impl OpenFiles {
    /// Reads the open files from `/proc`. Blocks for some milliseconds.
    ///
    /// Without the rights to see the files of another user, or without `/proc`, files are missing from the snapshot.
    #[must_use]
    pub fn snapshot() -> Self {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter(|entry| entry.file_name().as_bytes()[0].is_ascii_digit());
        Self {
            files: processes
                .flat_map(|process| written_by(&process.path()))
                .collect(),
        }
    }

    /// Whether the file with this device and inode is open for writing.
    #[must_use]
    pub fn contains(&self, device: u64, inode: u64) -> bool {
        self.files.contains(&(device, inode))
    }
}

/// Returns the files that a process has open for writing.
fn written_by(process: &Path) -> Vec<(u64, u64)> {
    let descriptors = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let written = descriptors.filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        let is_file =
            target.is_absolute() && !target.starts_with("/dev") && !target.starts_with("/proc");
        let information = process.join("fdinfo").join(entry.file_name());
        (is_file && is_written(&fs::read_to_string(information).ok()?)?).then_some(())?;
        let metadata = fs::metadata(entry.path()).ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    });
    written.collect()
}

/// Whether the flags of an open file, in octal, allow writing.
fn is_written(information: &str) -> Option<bool> {
    let flags = information
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))?;
    Some(u32::from_str_radix(flags.trim(), 8).ok()? & ACCESS_MODE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_mode_is_read_from_the_flags() {
        assert_eq!(
            is_written("pos:\t0\nflags:\t0100002\nmnt_id:\t9\n"),
            Some(true)
        );
        assert_eq!(is_written("pos:\t0\nflags:\t02100001\n"), Some(true));
        assert_eq!(is_written("pos:\t0\nflags:\t0100000\n"), Some(false));
        assert_eq!(is_written("pos:\t0\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_is_open_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        let writer = fs::File::create(&path).unwrap();
        let reader = fs::File::open(&path).unwrap();
        let metadata = reader.metadata().unwrap();
        let is_open = || OpenFiles::snapshot().contains(metadata.dev(), metadata.ino());
        assert!(is_open());
        drop(writer);
        assert!(!is_open());
    }
}
