//! The hidden files that a write begins as, and what a crash leaves of them.

use crate::crash;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Begins the name of every hidden file.
const PREFIX: &str = ".nightscribe-";
/// Random letters and digits that follow, so that two processes never write to one hidden file.
const RANDOM: usize = 12;
/// Ends the name, so that a file that somebody made is not taken for one of these.
const SUFFIX: &str = ".tmp";
/// A new hidden file in `folder`, with the permissions of any new file. It goes when it is dropped.
pub(super) fn hidden_file(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .rand_bytes(RANDOM)
        .suffix(SUFFIX)
        // As `File::create` asks for; the umask takes from it what the user wants taken.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Whether a file of this name is a hidden one of ours: a write under way, or what a crash left of it.
#[must_use]
pub fn is_leftover(name: &OsStr) -> bool {
    name.as_bytes()
        .strip_prefix(PREFIX.as_bytes())
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|random| {
            random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        })
}

/// Removes what a crash left in `folder`. Only for a start, when no run is writing there: an `export` that is cut short
/// by it says so. Answers how many were removed.
///
/// # Errors
/// If the folder cannot be listed or a file cannot be removed. A folder that is not there holds nothing.
pub fn remove_leftovers(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if is_leftover(&entry.file_name()) && entry.file_type()?.is_file() {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => removed += 1,
            }
            crash::point("output.leftover.removed");
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
    fn a_hidden_file_is_known_by_its_name_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let hidden = hidden_file(folder.path()).unwrap();
        assert!(is_leftover(hidden.path().file_name().unwrap()));
        assert!(is_leftover(OsStr::new(NAME)));
        for name in [
            ".nightscribe-notes.tmp",
            ".nightscribe-Abc123Xyz789",
            ".nightscribe-Abc123Xyz78-.tmp",
            "nightscribe-Abc123Xyz789.tmp",
            ".nightscribe-.tmp",
            "",
        ] {
            assert!(!is_leftover(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join(NAME)).unwrap();
        File::create(folder.path().join("talk.txt")).unwrap();
        fs::create_dir(folder.path().join(".nightscribe-Abc123Xyz000.tmp")).unwrap();
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
        assert!(!folder.path().join(NAME).exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(remove_leftovers(&folder.path().join("missing")).unwrap(), 0);
    }
}
