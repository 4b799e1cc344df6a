//! Files that are made for players: heads and copies. They lie in one folder of the state folder, can be made again, and
//! are removed when others need the space.

use crate::disk::free_space::spare_bytes;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Maximum size of all files together, in bytes.
const MAX_BYTES: u64 = 4 << 30;
/// Age after which an unfinished file is one that a killed process has left.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);
/// Time after which a file that nobody used is removed.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Version of the content of heads. Heads of other versions are not used.
const VERSION: u32 = 1;
/// Start of the names of unfinished files.
const UNFINISHED: &str = ".new-";

/// Identity of a file at one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Hash of the path.
    path: u64,
    /// Size in bytes.
    pub(super) len: u64,
    /// Modification time in nanoseconds.
    pub(super) modified_ns: i128,
}

impl Key {
    /// Identifies a file by its path, size and modification time.
    pub(super) fn new(path: &Path, metadata: &fs::Metadata) -> Self {
        let hash = blake3::hash(path.as_os_str().as_encoded_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self {
            path: u64::from_be_bytes(first),
            len: metadata.len(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        }
    }

    /// Returns the start of the names of all files made of this path.
    fn prefix(&self) -> String {
        format!("{:016x}-", self.path)
    }

    fn name(&self, extension: &str) -> String {
        let Self {
            len, modified_ns, ..
        } = self;
        format!(
            "{}{len:x}-{modified_ns:x}-{VERSION}.{extension}",
            self.prefix()
        )
    }
}

/// The folder of files that were made.
#[derive(Debug)]
pub(super) struct MadeFiles {
    folder: PathBuf,
    max_bytes: u64,
}

impl MadeFiles {
    /// Uses a folder, which is created when a file is made.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            max_bytes: MAX_BYTES,
        }
    }

    /// Opens a file that was made before, with its size. Blocks.
    ///
    /// # Errors
    /// If it exists and cannot be opened.
    pub(super) fn get(&self, key: &Key, extension: &str) -> io::Result<Option<(File, u64)>> {
        let file = match File::open(self.folder.join(key.name(extension))) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // The time tells which files are used. Without it, they are removed in the order in which they were made.
        if let Err(error) = file.set_modified(SystemTime::now()) {
            tracing::debug!(%error, "cannot set the time of a file for players");
        }
        let len = file.metadata()?.len();
        Ok(Some((file, len)))
    }

    /// Returns how many bytes a new file may have, at most `wanted`. Removes the least recently used files if the disk has
    /// too little space. Blocks.
    ///
    /// # Errors
    /// If the disk has no free space, or the folder cannot be used.
    pub(super) fn room(&self, wanted: u64) -> io::Result<u64> {
        self.room_in(spare_bytes(&self.folder), wanted)
    }

    fn room_in(&self, spare: u64, wanted: u64) -> io::Result<u64> {
        let files = self.files()?.into_iter();
        let finished = files.filter(|file| !file.is_unfinished).collect();
        let freed = remove_least_used(finished, wanted.saturating_sub(spare))?;
        match wanted.min(spare.saturating_add(freed)) {
            0 => Err(io::Error::other(
                "too little free space in the state folder",
            )),
            bytes => Ok(bytes),
        }
    }

    /// Returns a new folder for an unfinished file. A crash leaves it, and it is removed a day later. Blocks.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn staging(&self) -> io::Result<tempfile::TempDir> {
        DirBuilder::new()
            .recursive(true)
            .mode(crate::disk::folder::PRIVATE_MODE)
            .create(&self.folder)?;
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.folder)
    }

    /// Keeps a finished file of a staging folder, in place of those of other revisions. Blocks.
    ///
    /// # Errors
    /// If the file or the folder cannot be written.
    pub(super) fn keep(&self, made: &Path, key: &Key, extension: &str) -> io::Result<()> {
        // After a power failure, the name must not stand for an empty file.
        File::open(made)?.sync_all()?;
        let name = key.name(extension);
        fs::rename(made, self.folder.join(&name))?;
        for other in self.files()? {
            if other.name.starts_with(&key.prefix()) && other.name != name {
                remove(&other)?;
            }
        }
        self.tidy(SystemTime::now())
    }

    /// Keeps bytes as a file. Blocks.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn keep_bytes(&self, bytes: &[u8], key: &Key, extension: &str) -> io::Result<()> {
        let staging = self.staging()?;
        let path = staging.path().join("made");
        File::create(&path)?.write_all(bytes)?;
        self.keep(&path, key, extension)
    }

    /// Removes leftovers, files that were not used for a long time, and the least recently used files beyond the bound.
    /// Blocks.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub(super) fn tidy(&self, now: SystemTime) -> io::Result<()> {
        let mut current = Vec::new();
        for file in self.files()? {
            let max_age = match file.is_unfinished {
                true => LEFTOVER_AGE,
                false => MAX_AGE,
            };
            let is_old = now.duration_since(file.used).is_ok_and(|age| age > max_age);
            match is_old {
                true => remove(&file)?,
                false if file.is_unfinished => {}
                false => current.push(file),
            }
        }
        let bytes: u64 = current.iter().map(|file| file.bytes).sum();
        remove_least_used(current, bytes.saturating_sub(self.max_bytes))?;
        Ok(())
    }

    /// Lists the folder. It is empty while nothing was made.
    fn files(&self) -> io::Result<Vec<MadeFile>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Another process may have removed it.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push(MadeFile {
                path: entry.path(),
                used: metadata.modified()?,
                bytes: metadata.len(),
                is_unfinished: name.starts_with(UNFINISHED),
                name,
            });
        }
        Ok(files)
    }
}

/// A file in the folder, or a folder of an unfinished one.
#[derive(Debug)]
struct MadeFile {
    path: PathBuf,
    name: String,
    used: SystemTime,
    bytes: u64,
    is_unfinished: bool,
}

/// Removes the least recently used files until `bytes` are free, or none is left. Returns how many bytes were freed.
fn remove_least_used(mut files: Vec<MadeFile>, bytes: u64) -> io::Result<u64> {
    files.sort_by_key(|file| file.used);
    let mut freed = 0;
    for file in files {
        if freed >= bytes {
            break;
        }
        remove(&file)?;
        freed += file.bytes;
    }
    Ok(freed)
}

/// Removes a file, unless another process has.
fn remove(file: &MadeFile) -> io::Result<()> {
    let removed = match file.is_unfinished {
        true => fs::remove_dir_all(&file.path),
        false => fs::remove_file(&file.path),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: u64, len: u64) -> Key {
        Key {
            path,
            len,
            modified_ns: 5,
        }
    }

    fn made(folder: &Path, max_bytes: u64) -> MadeFiles {
        MadeFiles {
            folder: folder.join("playback"),
            max_bytes,
        }
    }

    #[test]
    fn a_file_is_found_at_its_revision_only() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), 100);
        assert!(files.get(&key(1, 7), "head").unwrap().is_none());
        files.keep_bytes(b"one", &key(1, 7), "head").unwrap();
        assert_eq!(files.get(&key(1, 7), "head").unwrap().unwrap().1, 3);
        assert!(files.get(&key(1, 8), "head").unwrap().is_none());
        assert!(files.get(&key(1, 7), "webm").unwrap().is_none());
        // Another revision takes its place.
        files.keep_bytes(b"two", &key(1, 8), "head").unwrap();
        assert!(files.get(&key(1, 7), "head").unwrap().is_none());
        assert_eq!(fs::read_dir(&files.folder).unwrap().count(), 1);
    }

    #[test]
    fn the_least_recently_used_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), 15);
        for (number, age) in [(1, 10), (2, 30), (3, 20)] {
            files.keep_bytes(&[0; 5], &key(number, 7), "head").unwrap();
            let (file, _) = files.get(&key(number, 7), "head").unwrap().unwrap();
            let used = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(used).unwrap();
        }
        files.keep_bytes(&[0; 5], &key(4, 7), "head").unwrap();
        let is_there = |number| files.get(&key(number, 7), "head").unwrap().is_some();
        assert_eq!([1, 2, 3, 4].map(is_there), [true, false, true, true]);
    }

    #[test]
    fn leftovers_of_a_killed_process_are_removed_a_day_later() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), 100);
        let leftover = files.staging().unwrap().keep();
        files.keep_bytes(b"1", &key(1, 7), "head").unwrap();
        assert!(leftover.exists());
        let later = SystemTime::now() + LEFTOVER_AGE + Duration::from_secs(9);
        files.tidy(later).unwrap();
        assert!(!leftover.exists());
        assert!(files.get(&key(1, 7), "head").unwrap().is_some());
    }

    #[test]
    fn files_that_nobody_uses_are_removed_after_a_month() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), 100);
        files.tidy(SystemTime::now()).unwrap();
        files.keep_bytes(b"1", &key(1, 7), "head").unwrap();
        files.tidy(SystemTime::now() + MAX_AGE / 2).unwrap();
        assert!(files.get(&key(1, 7), "head").unwrap().is_some());
        files
            .tidy(SystemTime::now() + MAX_AGE + Duration::from_secs(9))
            .unwrap();
        assert!(files.get(&key(1, 7), "head").unwrap().is_none());
    }

    #[test]
    fn a_full_disk_costs_the_least_recently_used_files() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), 100);
        for (number, age) in [(1, 20), (2, 30), (3, 10)] {
            files.keep_bytes(&[0; 5], &key(number, 7), "head").unwrap();
            let (file, _) = files.get(&key(number, 7), "head").unwrap().unwrap();
            let used = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(used).unwrap();
        }
        let is_there = || {
            [1, 2, 3].map(|number| {
                folder
                    .path()
                    .join("playback")
                    .join(key(number, 7).name("head"))
                    .exists()
            })
        };
        assert_eq!(files.room_in(9, 8).unwrap(), 8);
        assert_eq!(is_there(), [true; 3]);
        assert_eq!(files.room_in(2, 8).unwrap(), 8);
        assert_eq!(is_there(), [false, false, true]);
        // Less is better than nothing: a copy is often smaller than its recording.
        assert_eq!(files.room_in(1, 80).unwrap(), 6);
        let full = files.room_in(0, 80).unwrap_err().to_string();
        assert_eq!(full, "too little free space in the state folder");
    }
}
