//! The atomic write: a file appears whole or not at all, and is on disk before it is said to be.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Where.
    pub path: PathBuf,
    /// Its whole content.
    pub bytes: Vec<u8>,
}

/// A file or folder cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the file system only minds this name, so that another may do.
    #[must_use]
    pub fn is_name_problem(&self) -> bool {
        let unwritable =
            self.source.raw_os_error() == Some(rustix::io::Errno::ILSEQ.raw_os_error());
        unwritable
            || matches!(
                self.source.kind(),
                io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
            )
    }
}

/// Writes every file: beside its place under a hidden name, synced, renamed, its folder synced. Blocks.
///
/// A crash leaves each file as it was or whole, and perhaps a hidden one, which the next write of that file takes over.
///
/// # Errors
/// If any cannot be written; others may have been.
pub fn write_all(files: &[OutputFile]) -> Result<(), WriteError> {
    let mut folders = BTreeSet::new();
    for file in files {
        let folder = file.path.parent().unwrap_or(Path::new("/"));
        if folders.insert(folder.to_owned()) {
            folders.extend(make(folder).map_err(WriteError::at(folder))?);
        }
    }
    for file in files {
        write(file).map_err(WriteError::at(&file.path))?;
    }
    for folder in &folders {
        sync(folder).map_err(WriteError::at(folder))?;
    }
    Ok(())
}

/// Makes a folder, and says which others must be synced so that it stays.
fn make(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = folder.ancestors().take_while(|ancestor| !ancestor.exists());
    let parents = missing
        .filter_map(Path::parent)
        .map(Path::to_owned)
        .collect();
    fs::create_dir_all(folder)?;
    Ok(parents)
}

fn write(file: &OutputFile) -> io::Result<()> {
    if holds(&file.path, &file.bytes)? {
        // Written before a crash, perhaps, but not synced.
        return File::open(&file.path)?.sync_all();
    }
    let hidden = hidden(&file.path);
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut beside = File::options().write(true).create_new(true).open(&hidden)?;
    let written = beside
        .write_all(&file.bytes)
        .and_then(|()| beside.sync_all());
    let placed = written.and_then(|()| fs::rename(&hidden, &file.path));
    if placed.is_err() {
        // What is left of it is taken over by the next write.
        let _left = fs::remove_file(&hidden);
    }
    placed
}

/// The same for the same file, so that what a crash leaves is found again; short for the longest name.
fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let hash = format!(
        "{:x}",
        Bytes::copy_from_slice(&Sha256::digest(name.as_bytes()))
    );
    path.with_file_name(format!(".nightscribe-{}", &hash[..16]))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == bytes.len() as u64 => {
            Ok(fs::read(path)? == bytes)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a file may be written at `path` without overwriting anybody's: nothing is there, or it is `ours`, or it
/// holds these bytes already.
///
/// # Errors
/// If that cannot be told.
pub fn is_free(path: &Path, bytes: &[u8], ours: bool) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(false),
        Ok(_) => Ok(ours || holds(path, bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        // Too long a name is no conflict; the write says what is wrong with it.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> OutputFile {
        OutputFile {
            path: folder.path().join(name),
            bytes: text.into(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_and_their_folders_appear_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write_all(&[
            file(&folder, "a/b/x.txt", "one"),
            file(&folder, "a/b/x.json", "two"),
        ])
        .unwrap();
        assert_eq!(names(&folder.path().join("a/b")), ["x.json", "x.txt"]);
        assert_eq!(
            fs::read_to_string(folder.path().join("a/b/x.txt")).unwrap(),
            "one"
        );
    }

    #[test]
    fn a_file_is_replaced_and_gets_the_usual_permissions() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), "").unwrap();
        write_all(&[file(&folder, "x.txt", "one")]).unwrap();
        write_all(&[file(&folder, "x.txt", "two")]).unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(
            fs::read_to_string(folder.path().join("x.txt")).unwrap(),
            "two"
        );
        assert_eq!(mode("x.txt"), mode("plain"));
    }

    #[test]
    fn what_a_crash_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = file(&folder, "x.txt", "whole");
        fs::write(hidden(&wanted.path), "ha").unwrap();
        write_all(&[wanted]).unwrap();
        assert_eq!(names(folder.path()), ["x.txt"]);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_points_to_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "old").unwrap();
        symlink(folder.path().join("precious"), folder.path().join("x.txt")).unwrap();
        write_all(&[file(&folder, "x.txt", "new")]).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("precious")).unwrap(),
            "old"
        );
    }

    #[test]
    fn an_error_names_the_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x.txt")).unwrap();
        let error = write_all(&[file(&folder, "x.txt", "one")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write `{}`", folder.path().join("x.txt").display())
        );
        assert!(!error.is_name_problem());
        assert_eq!(names(folder.path()), ["x.txt"]);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(write_all(&[file(&folder, "file/x.txt", "one")]).is_err());
        let long = "n".repeat(300);
        assert!(
            write_all(&[file(&folder, &long, "one")])
                .unwrap_err()
                .is_name_problem()
        );
    }

    #[test]
    fn only_what_is_nobody_s_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        assert!(is_free(&path, b"new", false).unwrap());
        fs::write(&path, "old").unwrap();
        assert!(!is_free(&path, b"new", false).unwrap());
        assert!(is_free(&path, b"new", true).unwrap());
        assert!(is_free(&path, b"old", false).unwrap());
        assert!(!is_free(folder.path(), b"", true).unwrap());
    }
}
