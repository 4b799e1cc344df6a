//! File systems that other machines or programs write to without this one's knowing: no event tells of it.

use std::io;
use std::path::Path;

/// Kinds of them, by the numbers that Linux gives (`statfs(2)`): NFS, SMB in three forms, FUSE (sshfs, rclone), 9P, AFS
/// in two forms, Ceph, Coda, Lustre, GPFS, VirtualBox's folders.
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

/// Whether what happens in the folder need not be known to this machine. Blocks.
///
/// # Errors
/// If the folder cannot be asked for.
#[cfg(target_os = "linux")]
pub fn is_share(folder: &Path) -> io::Result<bool> {
    // The kind's width differs between machines; all numbers have 32 bits.
    Ok(SHARES.contains(&(rustix::fs::statfs(folder)?.f_type as u32)))
}

/// Not known on this system: its events are trusted, and what they miss is seen by the next look.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn is_share(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_no_share_and_a_missing_one_is_an_error() {
        assert!(!is_share(Path::new("/proc")).unwrap());
        assert!(is_share(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn file_systems_of_other_machines_are_shares_and_those_of_disks_are_not() {
        const DISKS: [u32; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630];
        assert!(DISKS.iter().all(|kind| !SHARES.contains(kind)));
        assert!(SHARES.contains(&0x6969) && SHARES.contains(&0xFF53_4D42));
    }
}
