//! What is on a disk at one moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files with their bytes, and folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Image {
    /// Puts it into a folder. The index of the WAL is memory in a file: after a power cut it is worth nothing.
    pub fn put(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            match bytes {
                None => fs::create_dir(path).unwrap(),
                Some(_) if path.to_str().unwrap().ends_with("-shm") => {}
                Some(bytes) => fs::write(path, bytes).unwrap(),
            }
        }
    }

    pub fn file(&self, path: impl AsRef<Path>) -> Option<&[u8]> {
        self.0.get(path.as_ref())?.as_deref()
    }
}
