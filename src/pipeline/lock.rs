//! A lock on the state folder, so that one process at a time works on a queue.

use super::path_lock::PathLock;
use crate::disk::folder::{PRIVATE_MODE, create_durable};
use crate::disk::identity::PlacedFile;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the lock file in the state folder.
const FILE: &str = "lock";

/// An exclusive lock on a state folder. The system releases it when the process ends, even by a crash. A process that
/// gets the lock therefore knows that no earlier runner is alive.
#[derive(Debug)]
pub struct Lock {
    file: PlacedFile,
    _open: File,
    _path: PathLock,
}

/// An error from taking the lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error("another nightscribe runs on the state folder `{}`", folder.display())]
    Held {
        /// The state folder.
        folder: PathBuf,
    },
    /// The lock file cannot be created or locked.
    #[error("the state folder `{}` cannot be used", folder.display())]
    Folder {
        /// The state folder.
        folder: PathBuf,
        /// Cause from the system.
        #[source]
        source: std::io::Error,
    },
}

impl Lock {
    /// Locks `folder`, and creates it if it is missing.
    ///
    /// # Errors
    /// If another process holds it, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Folder {
            folder: folder.to_owned(),
            source,
        };
        create_durable(folder, PRIVATE_MODE).map_err(failed)?;
        let mut file = open(folder).map_err(failed)?;
        let held = || LockError::Held {
            folder: folder.to_owned(),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held()),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let path = PathLock::take(folder).map_err(failed)?.ok_or_else(held)?;
        // The process ID helps people who open the file. No code reads it.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        let placed = PlacedFile::new(&folder.join(FILE), &file).map_err(failed)?;
        Ok(Self {
            file: placed,
            _open: file,
            _path: path,
        })
    }

    /// Returns the locked file.
    #[must_use]
    pub const fn file(&self) -> &PlacedFile {
        &self.file
    }

    /// Whether a process holds the lock on `folder`.
    #[must_use]
    pub fn is_held(folder: &Path) -> bool {
        File::open(folder.join(FILE))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

fn open(folder: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_until_the_lock_drops() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        assert!(Lock::is_held(folder.path()));
        assert!(matches!(
            Lock::take(folder.path()),
            Err(LockError::Held { .. })
        ));
        drop(first);
        assert!(!Lock::is_held(folder.path()));
        Lock::take(folder.path()).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_replaced_folder_stays_locked() {
        let above = tempfile::tempdir().unwrap();
        let (state, moved) = (above.path().join("state"), above.path().join("moved"));
        let first = Lock::take(&state).unwrap();
        std::fs::rename(&state, &moved).unwrap();
        assert!(!first.file().is_in_place());
        assert!(matches!(Lock::take(&state), Err(LockError::Held { .. })));
        drop(first);
        let _second = Lock::take(&state).unwrap();
        Lock::take(&moved).unwrap();
    }
}
