//! Names that are left out by default: unfinished downloads and copies, and the trash, snapshots and thumbnails of
//! network storage and desktops.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Folders that are left out, in lower case.
///
/// Synology: `@eadir`, `@tmp`, `@sharebin`, `#recycle`, `#snapshot`. QNAP: `@recycle`, `@recently-snapshot`. NetApp:
/// `~snapshot`. Windows: `$recycle.bin`, `recycler`, `system volume information`, `found.000`. macOS: `network trash
/// folder`, `temporary items`. Linux: `lost+found`.
const FOLDERS: [&str; 15] = [
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recently-snapshot",
    "@recycle",
    "@sharebin",
    "@tmp",
    "found.000",
    "lost+found",
    "network trash folder",
    "recycler",
    "system volume information",
    "temporary items",
    "~snapshot",
];
/// Ends of the names of unfinished files and folders, in lower case.
///
/// Firefox and yt-dlp: `.part`. rclone: `.partial`. Chrome: `.crdownload`. Safari: `.download`. Opera: `.opdownload`.
/// WinSCP: `.filepart`. aria2: `.aria2`. qBittorrent: `.!qb`. yt-dlp: `.ytdl`.
const UNFINISHED: [&str; 10] = [
    ".!qb",
    ".aria2",
    ".crdownload",
    ".download",
    ".filepart",
    ".opdownload",
    ".part",
    ".partial",
    ".tmp",
    ".ytdl",
];
/// Starts of the names of unfinished files, in lower case: Syncthing on file systems without hidden files.
const UNFINISHED_STARTS: [&str; 1] = ["~syncthing~"];
/// End of the name of the control file that aria2 keeps next to a download.
const CONTROL_FILE: &str = ".aria2";

/// Whether a file or folder of this name is hidden. Hidden entries are always left out.
#[must_use]
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// Whether a folder is left out by its name.
#[must_use]
pub fn is_excluded_folder(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let is_named = |folder: &&str| name.eq_ignore_ascii_case(folder.as_bytes());
    FOLDERS.iter().any(is_named) || is_unfinished(name)
}

/// Whether a file is left out by its name.
#[must_use]
pub fn is_excluded_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    is_unfinished(name) || is_intermediate(name)
}

/// Returns the path of the control file that exists while a download is unfinished.
#[must_use]
pub fn control_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(CONTROL_FILE);
    PathBuf::from(name)
}

// Without a copy of the name in lower case: this runs for each file of a walk.
fn is_unfinished(name: &[u8]) -> bool {
    UNFINISHED.iter().any(|end| {
        let last = name.len().checked_sub(end.len()).map(|at| &name[at..]);
        last.is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
    }) || UNFINISHED_STARTS.iter().any(|start| {
        let first = name.get(..start.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(start.as_bytes()))
    })
}

/// Whether yt-dlp deletes the file once the download is complete: `TITLE.temp.EXT`, or one of its formats, such as
/// `TITLE.f140.m4a`.
fn is_intermediate(name: &[u8]) -> bool {
    let mut parts = name.rsplit(|&byte| byte == b'.').skip(1);
    let (Some(kind), Some(_)) = (parts.next(), parts.next()) else {
        return false;
    };
    let is_format =
        |digits: &[u8]| (2..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    match kind {
        [b'f' | b'F', format @ ..] => {
            is_format(format.split(|&byte| byte == b'-').next().unwrap_or(format))
        }
        _ => kind.eq_ignore_ascii_case(b"temp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trash_and_thumbnails_are_excluded() {
        for name in [
            "@eaDir",
            "#recycle",
            "@Recycle",
            "$RECYCLE.BIN",
            "lost+found",
            "~snapshot",
            "a.mp3.download",
        ] {
            assert!(is_excluded_folder(OsStr::new(name)), "{name}");
        }
        for name in ["recycle", "eaDir", "snapshots", "part", "talks.2024"] {
            assert!(!is_excluded_folder(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn unfinished_files_are_excluded() {
        for name in [
            "a.mp3.part",
            "a.mp3.abcd.partial",
            "a.mp3.aria2",
            "Unconfirmed 1.crdownload",
            "a.temp.mp4",
            "a.f140.m4a",
            "a.f137-1.mp4",
            "~syncthing~a.mp3.tmp",
        ] {
            assert!(is_excluded_file(OsStr::new(name)), "{name}");
        }
        for name in [
            "a.mp3",
            "temp.mp3",
            "f140.m4a",
            "a.f1.mp3",
            "a.final.mp3",
            "1.temperature.mp3",
            "part.wav",
        ] {
            assert!(!is_excluded_file(OsStr::new(name)), "{name}");
        }
    }
}
