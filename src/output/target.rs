//! The path of a transcript before it is written: missing, a file of nightscribe, or a file of someone else.

use crate::domain::{ContentHash, FileRecord};
use crate::output::error::WriteError;
use sha2::{Digest, Sha256};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Size and hash of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Size in bytes.
    pub size_bytes: u64,
    /// SHA-256.
    pub sha256: ContentHash,
}

impl Content {
    /// Returns the size and hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            size_bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        }
    }
}

/// Computes the size and hash of what is written to it.
#[derive(Debug, Default)]
pub struct ContentHasher {
    size_bytes: u64,
    sha256: Sha256,
}

impl ContentHasher {
    /// Returns the size and hash.
    #[must_use]
    pub fn finish(self) -> Content {
        Content {
            size_bytes: self.size_bytes,
            sha256: self.sha256.finalize().into(),
        }
    }
}

impl Write for ContentHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size_bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// State of a target path before the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// The path does not exist.
    Missing,
    /// A regular file with exactly the content to write.
    Identical,
    /// A file with the recorded content, which may be replaced.
    Unedited(Content),
    /// A recorded file with other content, or another kind of file in its place.
    Edited,
    /// A file without a record.
    Foreign,
    /// A folder.
    Folder,
}

/// Version of a file: changes with each change of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    size_bytes: u64,
    changed_at_ns: i64,
}

/// A target path and what was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Absolute path.
    pub path: PathBuf,
    /// State of the path.
    pub state: TargetState,
    version: Option<FileVersion>,
}

impl Target {
    /// Examines `path` before `new` is written to it. `record` is the record of the file, if nightscribe wrote one there.
    /// Blocks.
    ///
    /// The content is read only if the file may hold the new or the recorded content, and its size and time do not prove
    /// that it is unchanged.
    ///
    /// # Errors
    /// Returns an error if the path cannot be examined, for example because the file system rejects the name.
    pub fn inspect(
        path: PathBuf,
        new: &Content,
        record: Option<&FileRecord>,
    ) -> Result<Self, WriteError> {
        let metadata = metadata(&path)?;
        Ok(Self {
            state: metadata.as_ref().map_or(TargetState::Missing, |found| {
                state(&path, found, new, record)
            }),
            version: metadata.as_ref().map(version),
            path,
        })
    }

    /// Whether the path is unchanged since it was examined. Blocks.
    ///
    /// # Errors
    /// Returns an error if the path cannot be examined.
    pub fn is_current(&self) -> Result<bool, WriteError> {
        Ok(metadata(&self.path)?.as_ref().map(version) == self.version)
    }
}

/// Returns the change time of the inode, in nanoseconds.
pub(super) fn changed_at_ns(metadata: &Metadata) -> i64 {
    let seconds = metadata.ctime().saturating_mul(1_000_000_000);
    seconds.saturating_add(metadata.ctime_nsec())
}

/// Returns the metadata of the path, without following a symbolic link. `None` if it does not exist.
fn metadata(path: &Path) -> Result<Option<Metadata>, WriteError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        metadata => metadata.map(Some).map_err(WriteError::at(path)),
    }
}

fn version(metadata: &Metadata) -> FileVersion {
    FileVersion {
        inode: metadata.ino(),
        size_bytes: metadata.len(),
        changed_at_ns: changed_at_ns(metadata),
    }
}

fn state(
    path: &Path,
    metadata: &Metadata,
    new: &Content,
    record: Option<&FileRecord>,
) -> TargetState {
    if metadata.is_dir() {
        return TargetState::Folder;
    }
    match content(path, metadata, new, record) {
        Some(found) if found == *new && (record.is_some() || has_exact_name(path)) => {
            TargetState::Identical
        }
        Some(found) if record.is_some_and(|record| record.is_written(&found.sha256)) => {
            TargetState::Unedited(found)
        }
        _ if record.is_some() => TargetState::Edited,
        _ => TargetState::Foreign,
    }
}

/// Whether the folder lists a file under exactly this name. On a file system that ignores the case of letters, the path
/// may lead to the transcript of another recording, which has equal content if both are silent.
fn has_exact_name(path: &Path) -> bool {
    let entries = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    let mut names = entries.into_iter().flatten().flatten();
    names.any(|entry| path.file_name() == Some(&entry.file_name()))
}

/// Returns the content of a regular file. `None` if it is neither the new nor a recorded content, or cannot be read.
fn content(
    path: &Path,
    metadata: &Metadata,
    new: &Content,
    record: Option<&FileRecord>,
) -> Option<Content> {
    let size_bytes = metadata.len();
    let unchanged = record.and_then(|record| record.unchanged(size_bytes, changed_at_ns(metadata)));
    if let Some(sha256) = unchanged {
        return Some(Content { size_bytes, sha256 });
    }
    let may_match = size_bytes == new.size_bytes
        || record.is_some_and(|record| record.may_be_written(size_bytes));
    let is_read = metadata.is_file() && may_match;
    let mut file = is_read.then(|| File::open(path).ok()).flatten()?;
    let mut hasher = ContentHasher::default();
    io::copy(&mut file, &mut hasher).ok()?;
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    fn state_of(path: &Path, new: &str, record: Option<&FileRecord>) -> TargetState {
        let new = Content::of(new.as_bytes());
        Target::inspect(path.to_owned(), &new, record)
            .unwrap()
            .state
    }

    /// Returns the record of `text`, written with the present change time of `path`.
    fn record_of(path: &Path, text: &str) -> FileRecord {
        let content = Content::of(text.as_bytes());
        FileRecord {
            size_bytes: content.size_bytes,
            sha256: Some(content.sha256),
            changed_at_ns: Some(changed_at_ns(&fs::metadata(path).unwrap())),
            replacing: None,
        }
    }

    #[test]
    fn an_unrecorded_file_is_foreign_unless_identical() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        assert_eq!(state_of(&path, "new", None), TargetState::Missing);
        fs::write(&path, "old").unwrap();
        assert_eq!(state_of(&path, "new", None), TargetState::Foreign);
        assert_eq!(state_of(&path, "longer", None), TargetState::Foreign);
        assert_eq!(state_of(&path, "old", None), TargetState::Identical);
        assert_eq!(state_of(folder.path(), "", None), TargetState::Folder);
    }

    #[test]
    fn a_recorded_file_is_recognised_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        fs::write(&path, "old").unwrap();
        let record = record_of(&path, "old");
        let unedited = TargetState::Unedited(Content::of(b"old"));
        assert_eq!(state_of(&path, "new", Some(&record)), unedited);
        // Only the time changes.
        fs::write(&path, "old").unwrap();
        assert_eq!(state_of(&path, "new", Some(&record)), unedited);
        for edited in ["owl", "older"] {
            fs::write(&path, edited).unwrap();
            let found = state_of(&path, "new", Some(&record));
            assert_eq!(found, TargetState::Edited, "{edited}");
        }
        let found = state_of(&path, "older", Some(&record));
        assert_eq!(found, TargetState::Identical);
    }

    #[test]
    fn an_unchanged_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        fs::write(&path, "old").unwrap();
        // A record of another content shows that the content is not read.
        let record = record_of(&path, "own");
        let unedited = TargetState::Unedited(Content::of(b"own"));
        assert_eq!(state_of(&path, "new", Some(&record)), unedited);
    }

    #[test]
    fn an_edit_that_restores_size_and_modification_time_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        let file = fs::File::create(&path).unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        file.set_modified(modified).unwrap();
        let record = record_of(&path, "");
        // The change time has the resolution of the kernel's clock tick.
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "x").unwrap();
        fs::write(&path, "").unwrap();
        file.set_modified(modified).unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!(record.unchanged(found.len(), changed_at_ns(&found)), None);
    }

    #[test]
    fn a_link_in_place_of_a_written_file_is_an_edit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        fs::write(&path, "old").unwrap();
        let record = record_of(&path, "old");
        let link = folder.path().join("link");
        symlink("x.txt", &link).unwrap();
        let found = state_of(&link, "old", Some(&record));
        assert_eq!(found, TargetState::Edited);
        assert_eq!(state_of(&link, "old", None), TargetState::Foreign);
    }

    #[test]
    fn a_change_after_the_inspection_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        let inspect = || Target::inspect(path.clone(), &Content::of(b"new"), None).unwrap();
        let missing = inspect();
        assert!(missing.is_current().unwrap());
        fs::write(&path, "old").unwrap();
        assert!(!missing.is_current().unwrap());
        let present = inspect();
        fs::write(&path, "older").unwrap();
        assert!(!present.is_current().unwrap());
        assert!(inspect().is_current().unwrap());
    }
}
