//! Detection of unmounted shares. An unmounted share leaves an empty folder on the underlying disk, and transcripts
//! must not be written there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Mount points of folders used so far, each with the device ID of the underlying file system.
static MOUNTS: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());

/// Records the mount point of an existing folder. Blocks.
pub fn record_mount(folder: &Path) {
    if let Some((mount, under)) = mount_of(folder, device) {
        mounts().insert(mount.to_owned(), under);
    }
}

/// Checks that every recorded mount point above the folder is still mounted. Blocks.
///
/// # Errors
/// If one is not. The message contains its path.
pub(super) fn check_mounted(folder: &Path) -> io::Result<()> {
    let mounts = mounts();
    let unmounted = mounts
        .iter()
        .find(|&(mount, under)| folder.starts_with(mount) && is_unmounted(mount, *under, device));
    match unmounted {
        Some((mount, _)) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("`{}` is no longer mounted", mount.display()),
        )),
        None => Ok(()),
    }
}

fn mounts() -> MutexGuard<'static, BTreeMap<PathBuf, u64>> {
    MOUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn device(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.dev())
}

/// Returns the mount point that contains the folder, and the device ID of the file system below it. `None` if the
/// folder is on the root file system or does not exist.
fn mount_of(folder: &Path, device: impl Fn(&Path) -> Option<u64>) -> Option<(&Path, u64)> {
    let own = device(folder)?;
    let mut mount = folder;
    for above in folder.ancestors().skip(1) {
        let under = device(above)?;
        if under != own {
            return Some((mount, under));
        }
        mount = above;
    }
    None
}

/// Whether the mount point is unmounted: it, or its nearest existing parent, is on the underlying device.
fn is_unmounted(mount: &Path, under: u64, device: impl Fn(&Path) -> Option<u64>) -> bool {
    mount.ancestors().find_map(device) == Some(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u64 = 1;
    const SHARE: u64 = 2;

    /// Returns a device look-up with these folders.
    fn disk(folders: &[(&'static str, u64)]) -> impl Fn(&Path) -> Option<u64> {
        let folders: BTreeMap<_, _> = folders.iter().copied().collect();
        move |path: &Path| folders.get(path.to_str().unwrap()).copied()
    }

    const ON_SHARE: [(&str, u64); 4] = [
        ("/", ROOT),
        ("/mnt", ROOT),
        ("/mnt/nas", SHARE),
        ("/mnt/nas/talks", SHARE),
    ];

    #[test]
    fn the_mount_point_of_a_folder_is_found() {
        let found = mount_of(Path::new("/mnt/nas/talks"), disk(&ON_SHARE));
        assert_eq!(found, Some((Path::new("/mnt/nas"), ROOT)));
        assert_eq!(mount_of(Path::new("/mnt"), disk(&ON_SHARE)), None);
        assert_eq!(mount_of(Path::new("/mnt/nas/no"), disk(&ON_SHARE)), None);
    }

    #[test]
    fn an_unmounted_share_is_detected() {
        let mount = Path::new("/mnt/nas");
        assert!(!is_unmounted(mount, ROOT, disk(&ON_SHARE)));
        assert!(is_unmounted(
            mount,
            ROOT,
            disk(&[("/", ROOT), ("/mnt", ROOT), ("/mnt/nas", ROOT)])
        ));
        assert!(is_unmounted(
            mount,
            ROOT,
            disk(&[("/", ROOT), ("/mnt", ROOT)])
        ));
    }

    #[test]
    fn a_remount_with_another_device_id_is_accepted() {
        let remounted = [("/", ROOT), ("/mnt", ROOT), ("/mnt/nas", 7)];
        assert!(!is_unmounted(Path::new("/mnt/nas"), ROOT, disk(&remounted)));
    }

    #[test]
    fn the_error_names_the_unmounted_mount_point() {
        let temp = tempfile::tempdir().unwrap();
        let mount = temp.path().join("share");
        mounts().insert(mount.clone(), device(temp.path()).unwrap());
        let error = check_mounted(&mount.join("talks")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` is no longer mounted", mount.display())
        );
        check_mounted(temp.path()).unwrap();
    }
}
