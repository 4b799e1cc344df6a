//! Durable folders. A synced file is still lost in a power failure if the directory entry of a folder above it is not
//! on disk. Only an fsync of the parent folder puts an entry there.

use super::mount;
use crate::runtime::failpoint;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{self, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Folders whose directory entries this process has already synced.
static DURABLE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Default permissions of a new folder. The umask restricts them.
pub const DEFAULT_MODE: u32 = 0o777;
/// Permissions of a folder that only its owner can access.
pub const PRIVATE_MODE: u32 = 0o700;

/// Creates a folder and its missing parents, and syncs their directory entries. The entries of existing folders are
/// synced too, because the process that created them may have been killed before its sync, or may not have synced yet.
/// Blocks.
///
/// # Errors
/// If a folder cannot be created or synced, or if a share on which the folder was found is no longer mounted.
pub fn create_durable(folder: &Path, mode: u32) -> io::Result<()> {
    let folder = &path::absolute(folder)?;
    mount::check_mounted(folder)?;
    if is_durable(folder) {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(mode).create(folder)?;
    sync_entries(&fs::canonicalize(folder)?)?;
    mount::record_mount(folder);
    durable().insert(folder.to_owned());
    Ok(())
}

/// Syncs the directory entries of a folder: created, renamed and removed ones. Blocks.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether this process has already made the folder durable. If the folder was removed since, it and its parents are no
/// longer recorded as durable, so that their entries are synced again.
fn is_durable(folder: &Path) -> bool {
    let mut durable = durable();
    if durable.contains(folder) && folder.is_dir() {
        return true;
    }
    durable.retain(|other| !folder.starts_with(other));
    false
}

fn durable() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    DURABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Syncs every parent on the same file system. The entry of a mount point already exists on the file system below it.
fn sync_entries(folder: &Path) -> io::Result<()> {
    let device = fs::metadata(folder)?.dev();
    for above in folder.ancestors().skip(1) {
        if fs::metadata(above)?.dev() != device {
            break;
        }
        match sync(above) {
            // This process cannot have created a folder that it cannot read, such as `/home`.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        failpoint::hit("disk.folder.name_synced");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_removed_folder_is_created_again_with_its_permissions() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        for _ in 0..2 {
            create_durable(&folder, PRIVATE_MODE).unwrap();
            assert_eq!(
                fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
                0o700
            );
            fs::remove_dir_all(temp.path().join("a")).unwrap();
        }
    }

    #[test]
    fn creating_a_subfolder_syncs_its_parents_again() {
        let temp = tempfile::tempdir().unwrap();
        let (above, below) = (temp.path().join("a"), temp.path().join("a/b"));
        create_durable(&above, DEFAULT_MODE).unwrap();
        assert!(is_durable(&above));
        assert!(!is_durable(&below));
        assert!(!is_durable(&above));
    }

    #[test]
    fn symbolic_links_are_followed() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", temp.path().join("link")).unwrap();
        create_durable(&temp.path().join("link/x"), DEFAULT_MODE).unwrap();
        assert!(temp.path().join("real/x").is_dir());
    }

    #[test]
    fn a_file_in_the_path_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        create_durable(&temp.path().join("file"), DEFAULT_MODE).unwrap_err();
        create_durable(&temp.path().join("file/x"), DEFAULT_MODE).unwrap_err();
    }
}
