//! Hidden staging files, and their removal after a crash.

use crate::runtime::failpoint;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Prefix of the name of every staging file.
const PREFIX: &str = ".nightscribe-";
/// Number of random letters and digits after the prefix. They keep two processes from writing to the same staging file.
const RANDOM_CHARS: usize = 12;
/// Suffix of the name. It distinguishes staging files from files of the user.
const SUFFIX: &str = ".tmp";

/// Creates a staging file in `folder`, with the permissions of an ordinary new file. Dropping it removes the file.
pub(super) fn create_staging_file(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .rand_bytes(RANDOM_CHARS)
        .suffix(SUFFIX)
        // The mode that `File::create` uses. The umask of the user still applies.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Whether the name is that of a staging file, either of an active write or left by a crash.
#[must_use]
pub fn is_staging_file(name: &OsStr) -> bool {
    name.as_bytes()
        .strip_prefix(PREFIX.as_bytes())
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.iter().all(u8::is_ascii_alphanumeric)
        })
}

/// Removes the staging files that a crash left in `folder`, and returns their number.
///
/// A missing folder counts as empty. Only for use at start, while no run writes to the folder. An `export` that is
/// writing there at that time fails with an error.
///
/// # Errors
/// Returns an error if the folder cannot be listed or if a file cannot be removed.
pub fn remove_staging_files(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        // A file system that rejects the name has no such folder.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::InvalidFilename
            ) =>
        {
            return Ok(0);
        }
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if is_staging_file(&entry.file_name()) && entry.file_type()?.is_file() {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => removed += 1,
            }
            failpoint::hit("output.leftover.removed");
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    const NAME: &str = ".nightscribe-Abc123Xyz789.tmp";

    #[test]
    fn only_staging_files_match_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let staging = create_staging_file(folder.path()).unwrap();
        assert!(is_staging_file(staging.path().file_name().unwrap()));
        assert!(is_staging_file(OsStr::new(NAME)));
        for name in [
            ".nightscribe-notes.tmp",
            ".nightscribe-Abc123Xyz789",
            ".nightscribe-Abc123Xyz78-.tmp",
            "nightscribe-Abc123Xyz789.tmp",
            ".nightscribe-.tmp",
            "",
        ] {
            assert!(!is_staging_file(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_staging_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join(NAME)).unwrap();
        File::create(folder.path().join("talk.txt")).unwrap();
        fs::create_dir(folder.path().join(".nightscribe-Abc123Xyz000.tmp")).unwrap();
        assert_eq!(remove_staging_files(folder.path()).unwrap(), 1);
        assert!(!folder.path().join(NAME).exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(
            remove_staging_files(&folder.path().join("missing")).unwrap(),
            0
        );
    }
}
