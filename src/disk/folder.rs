//! Folders that a power cut does not take. A file that is synced is lost all the same if the name of a folder above it
//! is not on the disk, and only a sync of the folder that holds the name puts it there.

use super::mount;
use crate::crash;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{self, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Folders whose names this process has put on the disk, so that it does so once.
static KNOWN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The permissions of any new folder; the umask takes from them what the user wants taken.
pub const USUAL: u32 = 0o777;
/// Permissions that keep everybody else out.
pub const PRIVATE: u32 = 0o700;

/// Makes a folder and those above it where they are missing, and puts their names on the disk. That a folder is there
/// does not tell that its name is durable: whoever made it may have been killed, or may be about to sync it. Blocks.
///
/// # Errors
/// If it cannot be made, a name cannot be put on the disk, or a share is gone that it was on.
pub fn make_durable(folder: &Path, mode: u32) -> io::Result<()> {
    let folder = &path::absolute(folder)?;
    mount::check(folder)?;
    if is_known(folder) {
        return Ok(());
    }
    let mut making = DirBuilder::new();
    making.recursive(true).mode(mode).create(folder)?;
    sync_names(&fs::canonicalize(folder)?)?;
    mount::remember(folder);
    known().insert(folder.to_owned());
    Ok(())
}

/// Puts what is in a folder by name on the disk: new names, changed ones, and that old ones are gone. Blocks.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether nothing is left to do. What is known of a folder that somebody removed is forgotten, with what is known of
/// those above it, before any of them is made again.
fn is_known(folder: &Path) -> bool {
    let mut known = known();
    if known.contains(folder) && folder.is_dir() {
        return true;
    }
    known.retain(|other| !folder.starts_with(other));
    false
}

fn known() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Syncs every folder above this one that is on the same file system: a mount point is nobody's to lose.
fn sync_names(folder: &Path) -> io::Result<()> {
    let device = fs::metadata(folder)?.dev();
    for above in folder.ancestors().skip(1) {
        if fs::metadata(above)?.dev() != device {
            break;
        }
        match sync(above) {
            // A folder that may not be read (`/home` often) was there before us.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        crash::point("disk.folder.name_synced");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_is_made_with_its_permissions_and_again_when_somebody_removed_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        for _ in 0..2 {
            make_durable(&folder, PRIVATE).unwrap();
            assert_eq!(
                fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
                0o700
            );
            fs::remove_dir_all(place.path().join("a")).unwrap();
        }
    }

    #[test]
    fn what_is_known_of_a_folder_is_forgotten_when_one_below_it_is_made() {
        let place = tempfile::tempdir().unwrap();
        let (above, below) = (place.path().join("a"), place.path().join("a/b"));
        make_durable(&above, USUAL).unwrap();
        assert!(is_known(&above));
        assert!(!is_known(&below));
        assert!(!is_known(&above));
    }

    #[test]
    fn a_folder_behind_a_link_is_made_where_the_link_leads() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", place.path().join("link")).unwrap();
        make_durable(&place.path().join("link/x"), USUAL).unwrap();
        assert!(place.path().join("real/x").is_dir());
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        make_durable(&place.path().join("file"), USUAL).unwrap_err();
        make_durable(&place.path().join("file/x"), USUAL).unwrap_err();
    }
}
