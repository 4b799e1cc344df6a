//! Mount points that folders were found below. When a share goes away, what is left in its place is an empty folder of
//! the disk below, in which nobody would look for transcripts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Mount points, each with the device of what it is mounted on.
static SEEN: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());

/// Remembers what the folder, which is there, is mounted below. Blocks.
pub(super) fn remember(folder: &Path) {
    if let Some((mount, under)) = mount_of(folder, device) {
        seen().insert(mount.to_owned(), under);
    }
}

/// Whether everything is still mounted that the folder was found below. Blocks.
///
/// # Errors
/// If something is not, with its path.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    let seen = seen();
    let gone = seen
        .iter()
        .find(|&(mount, under)| folder.starts_with(mount) && is_gone(mount, *under, device));
    match gone {
        Some((mount, _)) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("`{}` is not mounted any more", mount.display()),
        )),
        None => Ok(()),
    }
}

fn seen() -> MutexGuard<'static, BTreeMap<PathBuf, u64>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn device(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|found| found.dev())
}

/// The highest folder above this one on its device, and the device above that. Nothing for what is on the root device.
fn mount_of(folder: &Path, device: impl Fn(&Path) -> Option<u64>) -> Option<(&Path, u64)> {
    let own = device(folder)?;
    let mut mount = folder;
    for above in folder.ancestors().skip(1) {
        let found = device(above)?;
        if found != own {
            return Some((mount, found));
        }
        mount = above;
    }
    None
}

/// Whether the mount point, or what is left of the way there, is on the device below.
fn is_gone(mount: &Path, under: u64, device: impl Fn(&Path) -> Option<u64>) -> bool {
    mount.ancestors().find_map(device) == Some(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u64 = 1;
    const SHARE: u64 = 2;

    /// Folders that are there, by device.
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
    fn a_folder_on_a_share_is_below_its_mount_point() {
        let found = mount_of(Path::new("/mnt/nas/talks"), disk(&ON_SHARE));
        assert_eq!(found, Some((Path::new("/mnt/nas"), ROOT)));
        assert_eq!(mount_of(Path::new("/mnt"), disk(&ON_SHARE)), None);
        assert_eq!(mount_of(Path::new("/mnt/nas/no"), disk(&ON_SHARE)), None);
    }

    #[test]
    fn a_share_is_gone_when_its_mount_point_is_on_the_disk_below_or_missing() {
        let mount = Path::new("/mnt/nas");
        assert!(!is_gone(mount, ROOT, disk(&ON_SHARE)));
        assert!(is_gone(
            mount,
            ROOT,
            disk(&[("/", ROOT), ("/mnt", ROOT), ("/mnt/nas", ROOT)])
        ));
        assert!(is_gone(mount, ROOT, disk(&[("/", ROOT), ("/mnt", ROOT)])));
    }

    #[test]
    fn a_share_that_comes_back_with_another_device_is_there() {
        let back = [("/", ROOT), ("/mnt", ROOT), ("/mnt/nas", 7)];
        assert!(!is_gone(Path::new("/mnt/nas"), ROOT, disk(&back)));
    }

    #[test]
    fn what_was_found_below_a_mount_point_that_is_gone_says_so() {
        let place = tempfile::tempdir().unwrap();
        let mount = place.path().join("share");
        seen().insert(mount.clone(), device(place.path()).unwrap());
        let error = check(&mount.join("talks")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` is not mounted any more", mount.display())
        );
        check(place.path()).unwrap();
    }
}
