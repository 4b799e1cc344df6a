//! The atomic write: a file appears whole or not at all, and is on disk before it is said to be.

use super::leftover::hidden_file;
use crate::crash;
use crate::disk::folder::{USUAL, make_durable, sync};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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
    is_folder: bool,
    source: io::Error,
}

impl WriteError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        Self::at(path, false)
    }

    fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        Self::at(path, true)
    }

    fn at(path: &Path, is_folder: bool) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self {
            path: path.to_owned(),
            is_folder,
            source,
        }
    }

    /// Whether the file system only minds the file's name, so that another name in the same folder may do.
    #[must_use]
    pub fn is_name_problem(&self) -> bool {
        let unwritable =
            self.source.raw_os_error() == Some(rustix::io::Errno::ILSEQ.raw_os_error());
        let minded = matches!(
            self.source.kind(),
            io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
        );
        !self.is_folder && (unwritable || minded)
    }
}

/// Writes every file: all under hidden names beside their places, synced, then renamed. They are durable when their
/// folders are synced, too, which files of several recordings can share. A file that holds its bytes already is synced
/// but not written again: a crash may have come before its sync. A link is replaced, never followed. Blocks.
///
/// A crash leaves each file as it was or whole, and perhaps hidden ones, which
/// [`remove_leftovers`](super::leftover::remove_leftovers) removes.
///
/// # Errors
/// If any cannot be written. Until all of them are on the disk under their hidden names, none is renamed: a full disk
/// or a refused name changes nothing.
pub fn put_in_place(files: &[OutputFile]) -> Result<(), WriteError> {
    let folders: BTreeSet<_> = files.iter().map(|file| folder_of(&file.path)).collect();
    for folder in folders {
        make_durable(folder, USUAL).map_err(WriteError::folder(folder))?;
    }
    crash::point("output.write.folders_made");
    let mut staged = Vec::new();
    for file in files {
        let hidden = stage(file).map_err(WriteError::file(&file.path))?;
        staged.extend(hidden.map(|hidden| (file, hidden)));
    }
    for (file, hidden) in &staged {
        let synced = hidden.as_file().sync_all();
        synced.map_err(WriteError::file(&file.path))?;
        crash::point("output.write.file_synced");
    }
    for (file, hidden) in staged {
        let placed = hidden.persist(&file.path).map_err(|refused| refused.error);
        placed.map_err(WriteError::file(&file.path))?;
        crash::point("output.write.renamed");
    }
    Ok(())
}

/// Puts the names in a folder on the disk. Blocks.
///
/// # Errors
/// If that cannot be done.
pub fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    sync(folder).map_err(WriteError::folder(folder))?;
    crash::point("output.write.folder_synced");
    Ok(())
}

/// The folder that a file is in. The parent of `a` is the empty path, which cannot be opened.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder.unwrap_or(Path::new("/")),
    }
}

/// The file under its hidden name; nothing if it is in its place already, which is then synced.
fn stage(file: &OutputFile) -> io::Result<Option<NamedTempFile>> {
    // Asked first, so that a name the file system refuses is found before any file is in its place.
    match fs::symlink_metadata(&file.path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if holds(&file.path, &file.bytes) {
        File::open(&file.path)?.sync_all()?;
        crash::point("output.write.found_in_place");
        return Ok(None);
    }
    let mut hidden = hidden_file(folder_of(&file.path))?;
    crash::point("output.write.begun");
    hidden.write_all(&file.bytes)?;
    crash::point("output.write.staged");
    Ok(Some(hidden))
}

/// Whether an ordinary file with exactly these bytes is there. What cannot be read does not.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same_length = fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|found| found == bytes)
}

/// Whether a file may be written at `path` without overwriting anybody's: nothing is there, or it is `ours`, or it
/// holds these bytes already.
///
/// # Errors
/// If that cannot be told.
pub fn is_free(path: &Path, bytes: &[u8], ours: bool) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(false),
        Ok(_) => Ok(ours || holds(path, bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        // Too long a name is no conflict; the write says what is wrong with it.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> OutputFile {
        OutputFile {
            path: folder.path().join(name),
            bytes: text.into(),
        }
    }

    fn write_all(files: &[OutputFile]) -> Result<(), WriteError> {
        put_in_place(files)?;
        files
            .iter()
            .try_for_each(|file| sync_folder(folder_of(&file.path)))
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
    fn what_another_process_is_writing_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = hidden_file(folder.path()).unwrap();
        other.write_all(b"ha").unwrap();
        write_all(&[file(&folder, "x.txt", "whole")]).unwrap();
        assert_eq!(fs::read(other.path()).unwrap(), b"ha");
        assert_eq!(fs::read(folder.path().join("x.txt")).unwrap(), b"whole");
    }

    #[test]
    fn a_file_that_holds_its_bytes_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = [file(&folder, "x.txt", "same")];
        write_all(&wanted).unwrap();
        let inode = || fs::metadata(&wanted[0].path).unwrap().ino();
        let before = inode();
        write_all(&wanted).unwrap();
        assert_eq!(inode(), before);
    }

    #[test]
    fn no_file_is_put_in_place_when_one_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("y.txt")).unwrap();
        for refused in ["y.txt".to_owned(), "n".repeat(300)] {
            let files = [
                file(&folder, "x.txt", "one"),
                file(&folder, &refused, "two"),
            ];
            write_all(&files).unwrap_err();
            assert_eq!(names(folder.path()), ["y.txt"]);
        }
    }

    #[test]
    fn a_link_with_the_same_bytes_behind_it_is_replaced_too() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = file(&folder, "x.txt", "same");
        fs::write(folder.path().join("precious"), "same").unwrap();
        symlink("precious", &wanted.path).unwrap();
        write_all(std::slice::from_ref(&wanted)).unwrap();
        assert!(fs::symlink_metadata(&wanted.path).unwrap().is_file());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_no_problem_of_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let inside = format!("{}/x.txt", "n".repeat(300));
        let error = write_all(&[file(&folder, &inside, "one")]).unwrap_err();
        assert!(!error.is_name_problem());
    }

    #[test]
    fn a_name_alone_is_in_the_folder_one_is_in() {
        assert_eq!(folder_of(Path::new("x.txt")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/x.txt")), Path::new("a"));
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
