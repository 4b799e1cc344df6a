//! Detection of network shares. Changes that other machines make there cause no file system events on this one.

use std::io;
use std::path::Path;

/// Magic numbers of network file systems and the like (`statfs(2)`): NFS, SMB (three), FUSE (sshfs, rclone), 9P, AFS
/// (two), Ceph, Coda, Lustre, GPFS, and VirtualBox shared folders.
#[cfg(any(target_os = "linux", test))]
const SHARES: [u32; 13] = [
    0x0000_6969,
    0x0000_517B,
    0xFF53_4D42,
    0xFE53_4D42,
    0x6573_5546,
    0x0102_1997,
    0x5346_414F,
    0x6B41_4653,
    0x00C3_6400,
    0x7375_7245,
    0x0BD0_0BD0,
    0x4750_4653,
    0x786F_4256,
];

/// Whether the folder is on a network share, so that changes may cause no event. Blocks.
///
/// # Errors
/// If the folder does not exist or cannot be accessed.
#[cfg(target_os = "linux")]
pub fn is_share(folder: &Path) -> io::Result<bool> {
    // The width of `f_type` depends on the platform. All magic numbers have 32 bits.
    Ok(SHARES.contains(&(rustix::fs::statfs(folder)?.f_type as u32)))
}

/// Always `false` on this platform, where shares are not detected. The next scan finds changes without an event.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn is_share(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_not_a_share() {
        assert!(!is_share(Path::new("/proc")).unwrap());
        assert!(is_share(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn disk_file_systems_are_not_shares() {
        const DISKS: [u32; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630];
        assert!(DISKS.iter().all(|magic| !SHARES.contains(magic)));
        assert!(SHARES.contains(&0x6969) && SHARES.contains(&0xFF53_4D42));
    }
}
