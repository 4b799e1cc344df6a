//! Content of a disk at one point in time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders by path. A folder has no bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Image {
    /// Writes the image into an empty folder.
    pub fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            match bytes {
                None => fs::create_dir(path).unwrap(),
                // The index of the WAL is shared memory. A power cut leaves nothing of it.
                Some(_) if path.to_str().unwrap().ends_with("-shm") => {}
                Some(bytes) => fs::write(path, bytes).unwrap(),
            }
        }
    }

    /// Returns the bytes of a file. Returns `None` if the path is missing or a folder.
    pub fn file(&self, path: impl AsRef<Path>) -> Option<&[u8]> {
        self.0.get(path.as_ref())?.as_deref()
    }
}
