//! Syncing a whole file system with one system call.

use std::fs::File;
use std::io;

/// Whether [`sync`] on this file is as durable as an fsync of every file of its file system, and reports every failure.
/// `false` for file systems that may guarantee less, such as network shares and FUSE. Blocks.
#[must_use]
pub fn supports_syncfs(file: &File) -> bool {
    system::supports_syncfs(file)
}

/// Syncs all files of the file system that contains this file. Blocks. The time includes writing back the dirty pages
/// of other programs.
///
/// # Errors
/// If any file of the file system cannot be written, including files of other programs.
pub fn sync(file: &File) -> io::Result<()> {
    system::sync(file)
}

#[cfg(target_os = "linux")]
mod system {
    use super::{File, io};
    use std::sync::LazyLock;

    /// Magic numbers of supported file systems (`statfs(2)`): ext2 to ext4, XFS, Btrfs, F2FS, and tmpfs, where a sync
    /// does nothing.
    const SUPPORTED: [u32; 5] = [
        0x0000_EF53,
        0x5846_5342,
        0x9123_683E,
        0xF2F5_2010,
        0x0102_1994,
    ];
    /// First kernel version in which `syncfs(2)` reports every failure. Before 5.8 it reports none, and until 5.17 not
    /// those of the file system itself.
    const MIN_KERNEL: (u32, u32) = (5, 17);

    static REPORTS_FAILURES: LazyLock<bool> = LazyLock::new(|| {
        let release = rustix::system::uname();
        version(&release.release().to_string_lossy()).is_some_and(|version| version >= MIN_KERNEL)
    });

    pub(super) fn supports_syncfs(file: &File) -> bool {
        // The width of `f_type` depends on the platform. All magic numbers have 32 bits.
        let is_supported = |kind| SUPPORTED.contains(&kind);
        *REPORTS_FAILURES
            && rustix::fs::fstatfs(file).is_ok_and(|found| is_supported(found.f_type as u32))
    }

    pub(super) fn sync(file: &File) -> io::Result<()> {
        Ok(rustix::fs::syncfs(file)?)
    }

    /// Parses the first two numbers of a kernel release, such as `6.1.0-32-amd64`.
    pub(super) fn version(release: &str) -> Option<(u32, u32)> {
        let mut numbers = release.split(|other: char| !other.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{File, io};

    pub(super) fn supports_syncfs(_: &File) -> bool {
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
    fn kernel_releases_are_parsed() {
        assert_eq!(version("6.1.0-32-amd64"), Some((6, 1)));
        assert_eq!(version("5.17-rc3"), Some((5, 17)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(version("next"), None);
    }

    #[test]
    fn virtual_file_systems_are_not_supported() {
        let virtual_file = File::open("/proc/version").unwrap();
        assert!(!supports_syncfs(&virtual_file));
    }

    #[test]
    fn a_file_system_is_synced() {
        let file = tempfile::tempfile().unwrap();
        sync(&file).unwrap();
    }
}
