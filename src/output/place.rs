//! Renames of staging files to their final names.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::{NamedTempFile, PersistError};

/// Renames `staging` to `path` unless a file is there, even one that another program created at this moment. Blocks.
///
/// File systems have different means for that: a rename that replaces nothing, or a hard link. Where both are missing, an
/// empty file takes the name first. A crash between these two steps leaves the empty file.
///
/// # Errors
/// Returns the staging file with the error. Its kind is [`io::ErrorKind::AlreadyExists`] if a file is there.
pub(super) fn place_new(staging: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    // This also tries a hard link.
    match staging.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => {
            place_over_own_file(failed.file, path)
        }
        placed => placed,
    }
}

/// Creates an empty file at `path`, and replaces it.
fn place_over_own_file(staging: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    if let Err(error) = File::create_new(path) {
        return Err(PersistError {
            error,
            file: staging,
        });
    }
    staging.persist(path).inspect_err(|_| {
        // The error of the rename is the one to report.
        let _unremoved = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    type Place = fn(NamedTempFile, &Path) -> Result<File, PersistError>;

    const WAYS: [Place; 2] = [place_new, place_over_own_file];

    fn staging(folder: &Path) -> NamedTempFile {
        let mut staging = NamedTempFile::new_in(folder).unwrap();
        staging.write_all(b"new").unwrap();
        staging
    }

    #[test]
    fn a_free_name_is_taken() {
        for place in WAYS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.txt");
            place(staging(folder.path()), &path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn no_file_is_ever_replaced() {
        for place in WAYS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.txt");
            fs::write(&path, "").unwrap();
            let failed = place(staging(folder.path()), &path).unwrap_err();
            assert_eq!(failed.error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(failed.file.path()).unwrap(), b"new");
            assert_eq!(fs::read(&path).unwrap(), b"");
        }
    }

    #[test]
    fn a_failed_rename_leaves_no_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        let staging = staging(folder.path());
        fs::remove_file(staging.path()).unwrap();
        assert!(place_over_own_file(staging, &path).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn a_name_that_is_too_long_is_reported_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(300));
        let failed = place_new(staging(folder.path()), &path).unwrap_err();
        assert_eq!(failed.error.kind(), io::ErrorKind::InvalidFilename);
    }
}
