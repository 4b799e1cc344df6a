//! Identity of an open file, to notice that its path leads elsewhere.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An open file and the path under which it was opened.
///
/// An open file stays usable after it is removed, moved or covered by a mount. What is written to it is then lost, or is
/// found only under another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl PlacedFile {
    /// Remembers that `path` leads to `file`.
    ///
    /// # Errors
    /// If the system cannot identify the file.
    pub fn new(path: &Path, file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Remembers the file at `path`, without opening it.
    ///
    /// # Errors
    /// If there is none, or the system cannot identify it.
    pub fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the file. Blocks.
    ///
    /// If the system does not say, it does: an error of the disk is reported where the file is used.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(found) => (found.dev(), found.ino()) == (self.device, self.inode),
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(path: &Path) -> (PlacedFile, File) {
        let file = File::create(path).unwrap();
        (PlacedFile::new(path, &file).unwrap(), file)
    }

    #[test]
    fn a_changed_file_is_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/lock");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let (file, _open) = placed(&path);
        fs::write(&path, "more").unwrap();
        assert!(file.is_in_place());
    }

    #[test]
    fn a_removed_moved_or_replaced_file_is_not_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (state, other) = (folder.path().join("state"), folder.path().join("other"));
        let path = state.join("lock");
        fs::create_dir(&state).unwrap();
        let (file, _open) = placed(&path);
        fs::rename(&state, &other).unwrap();
        assert!(!file.is_in_place(), "the folder was moved");
        fs::create_dir(&state).unwrap();
        assert!(!file.is_in_place(), "the folder was replaced");
        fs::write(&path, "").unwrap();
        assert!(!file.is_in_place(), "both were replaced");
        fs::remove_dir_all(&state).unwrap();
        fs::write(&state, "").unwrap();
        assert!(!file.is_in_place(), "the folder is a file");
        fs::remove_file(&state).unwrap();
        fs::rename(&other, &state).unwrap();
        assert!(file.is_in_place(), "the folder is back");
    }
}
