//! Everything that waits for the disk, put there by one call for its whole file system.

use std::fs::File;
use std::io;

/// Whether [`sync`] does for every file beside this one what a sync of its own would do, and tells when it could not. The
/// file systems of other machines and programs may promise less. Blocks.
#[must_use]
pub fn syncs_as_one(file: &File) -> bool {
    system::syncs_as_one(file)
}

/// Puts on the disk what was written to any file of the file system that this one is on. Blocks: as long as it takes to
/// write what other programs have left in memory, too.
///
/// # Errors
/// If anything cannot be written, whosever it is.
pub fn sync(file: &File) -> io::Result<()> {
    system::sync(file)
}

#[cfg(target_os = "linux")]
mod system {
    use super::{File, io};
    use std::sync::LazyLock;

    /// Kinds of file systems, by the numbers that Linux gives (`statfs(2)`): ext2 to ext4, XFS, Btrfs, F2FS, and tmpfs,
    /// where no sync has anything to do.
    const KINDS: [u32; 5] = [
        0x0000_EF53,
        0x5846_5342,
        0x9123_683E,
        0xF2F5_2010,
        0x0102_1994,
    ];
    /// Since this version `syncfs(2)` tells of every failure; before, of none (up to 5.7) or not of the file system's own.
    const SINCE: (u32, u32) = (5, 17);

    static TELLS_FAILURES: LazyLock<bool> = LazyLock::new(|| {
        let release = rustix::system::uname();
        version(&release.release().to_string_lossy()).is_some_and(|version| version >= SINCE)
    });

    pub(super) fn syncs_as_one(file: &File) -> bool {
        // The kind's width differs between machines; all numbers have 32 bits.
        let is_known = |kind| KINDS.contains(&kind);
        *TELLS_FAILURES
            && rustix::fs::fstatfs(file).is_ok_and(|found| is_known(found.f_type as u32))
    }

    pub(super) fn sync(file: &File) -> io::Result<()> {
        Ok(rustix::fs::syncfs(file)?)
    }

    /// The first two numbers of a kernel's release, as in `6.1.0-32-amd64`.
    pub(super) fn version(release: &str) -> Option<(u32, u32)> {
        let mut numbers = release.split(|other: char| !other.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{File, io};

    pub(super) fn syncs_as_one(_: &File) -> bool {
        false
    }

    pub(super) fn sync(file: &File) -> io::Result<()> {
        file.sync_all()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::system::version;
    use super::*;

    #[test]
    fn the_version_of_a_kernel_is_read_from_its_release() {
        assert_eq!(version("6.1.0-32-amd64"), Some((6, 1)));
        assert_eq!(version("5.17-rc3"), Some((5, 17)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(version("next"), None);
    }

    #[test]
    fn what_another_program_serves_is_not_synced_as_one() {
        let served = File::open("/proc/version").unwrap();
        assert!(!syncs_as_one(&served));
    }

    #[test]
    fn a_file_system_is_synced() {
        let file = tempfile::tempfile().unwrap();
        sync(&file).unwrap();
    }
}
