//! One runner per state folder.

use crate::disk::folder::{PRIVATE, make_durable};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock's file in the state folder.
const FILE: &str = "lock";

/// Holds the state folder for this process. The system lets go of it when the process ends, however it ends, so a
/// lock that can be had proves that no earlier runner lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another runner holds it.
    #[error("another nightscribe runs on the state folder `{}`", folder.display())]
    Held {
        /// The state folder.
        folder: PathBuf,
    },
    /// The file cannot be made or locked.
    #[error("failed to lock the state folder `{}`", folder.display())]
    Folder {
        /// The state folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock on `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// If another process holds it, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Folder {
            folder: folder.to_owned(),
            source,
        };
        make_durable(folder, PRIVATE).map_err(failed)?;
        let mut file = open(folder).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The number is for people who look into the file; nothing reads it.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Whether a runner holds the folder now.
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
    fn only_one_holds_a_folder_and_the_next_may_when_it_is_gone() {
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
}
