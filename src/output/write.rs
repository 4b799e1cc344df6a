//! The atomic write: a file appears whole or not at all, and is on disk before it is said to be.

use super::leftover::hidden_file;
use crate::crash;
use crate::disk::file_system;
use crate::disk::folder::{USUAL, make_durable, sync};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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

/// What is at a file's place before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// An ordinary file with exactly its bytes.
    Same,
    /// Another file, or a link, whatever it leads to.
    Other,
    /// A folder.
    Folder,
}

/// What is at `path`, where `bytes` are to be written. Blocks.
///
/// # Errors
/// If that cannot be told, for example because the file system refuses the name.
pub fn look(path: &Path, bytes: &[u8]) -> Result<Found, WriteError> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        found => found.map_err(WriteError::file(path))?,
    };
    let same_length = found.is_file() && found.len() == bytes.len() as u64;
    Ok(if found.is_dir() {
        Found::Folder
    // What cannot be read is not the same.
    } else if same_length && fs::read(path).is_ok_and(|found| found == bytes) {
        Found::Same
    } else {
        Found::Other
    })
}

/// A file on its way to its place: all of it is written, under a hidden name in the same folder. A crash leaves the place
/// as it was, and perhaps the hidden file, which [`remove_leftovers`](super::leftover::remove_leftovers) removes. It goes
/// when it is dropped before it is [put in place](put_in_place).
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    size_bytes: u64,
    /// None once it is in its place.
    hidden: Option<NamedTempFile>,
}

impl Staged {
    /// Writes `bytes` for `path`, where `found` was found. A file that holds its bytes already is synced but not written
    /// again: a crash may have come before its sync. Blocks.
    ///
    /// # Errors
    /// If they cannot be written. Nothing is left then.
    pub fn write(path: PathBuf, found: Found, bytes: &[u8]) -> Result<Self, WriteError> {
        let written = match found {
            Found::Same => sync_found(&path).map(|()| None),
            Found::Folder => Err(io::ErrorKind::IsADirectory.into()),
            Found::Nothing | Found::Other => write_hidden(folder_of(&path), bytes).map(Some),
        };
        let hidden = written.map_err(WriteError::file(&path))?;
        let size_bytes = bytes.len() as u64;
        Ok(Self {
            path,
            size_bytes,
            hidden,
        })
    }

    /// Its place.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size, in bytes.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether it must be synced before it is put in place. It need not if it is there already.
    #[must_use]
    pub const fn is_unsynced(&self) -> bool {
        self.hidden.is_some()
    }

    /// The file system that it is on, by its number. Blocks.
    #[must_use]
    pub fn device(&self) -> Option<u64> {
        let file = self.hidden.as_ref()?.as_file();
        file.metadata().ok().map(|found| found.dev())
    }

    /// Puts what was written on the disk. Blocks.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn sync(&self) -> Result<(), WriteError> {
        if let Some(hidden) = &self.hidden {
            let synced = hidden.as_file().sync_all();
            synced.map_err(WriteError::file(&self.path))?;
            crash::point("output.write.file_synced");
        }
        Ok(())
    }

    /// Puts on the disk whatever was written to its file system, if that does for each file what its own sync would do.
    /// Blocks.
    pub fn sync_file_system(&self) -> Option<Result<(), WriteError>> {
        let file = self.hidden.as_ref()?.as_file();
        if !file_system::syncs_as_one(file) {
            return None;
        }
        let synced = file_system::sync(file).map_err(WriteError::file(&self.path));
        crash::point("output.write.file_system_synced");
        Some(synced)
    }

    /// The bytes that were written, read again. Blocks.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, WriteError> {
        let path = self
            .hidden
            .as_ref()
            .map_or(&*self.path, NamedTempFile::path);
        fs::read(path).map_err(WriteError::file(path))
    }

    /// Gives it another place in the same folder.
    pub fn move_to(&mut self, path: PathBuf) {
        self.path = path;
    }

    fn put_in_place(&mut self) -> Result<(), WriteError> {
        let Some(hidden) = self.hidden.take() else {
            return Ok(());
        };
        hidden.persist(&self.path).map_err(|refused| {
            self.hidden = Some(refused.file);
            WriteError::file(&self.path)(refused.error)
        })?;
        crash::point("output.write.renamed");
        Ok(())
    }
}

/// Gives files that are synced their places. A link there is replaced, never followed. They are durable when their folder
/// is synced, too, which files of several recordings can share. Blocks; a crash leaves each place as it was or whole.
///
/// # Errors
/// If one cannot get its place; those before it have theirs.
pub fn put_in_place(files: &mut [Staged]) -> Result<(), WriteError> {
    files.iter_mut().try_for_each(Staged::put_in_place)
}

/// Makes the folder that files are to be in, for good. Blocks.
///
/// # Errors
/// If that cannot be done.
pub fn make_folder(folder: &Path) -> Result<(), WriteError> {
    make_durable(folder, USUAL).map_err(WriteError::folder(folder))?;
    crash::point("output.write.folders_made");
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

fn sync_found(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    crash::point("output.write.found_in_place");
    Ok(())
}

fn write_hidden(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut hidden = hidden_file(folder)?;
    crash::point("output.write.begun");
    hidden.write_all(bytes)?;
    crash::point("output.write.staged");
    Ok(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> Result<(), WriteError> {
        write_all(folder, &[(name, text)])
    }

    fn write_all(folder: &tempfile::TempDir, files: &[(&str, &str)]) -> Result<(), WriteError> {
        let files = files.iter().map(|(name, text)| {
            let path = folder.path().join(name);
            make_folder(folder_of(&path))?;
            let found = look(&path, text.as_bytes())?;
            Staged::write(path, found, text.as_bytes())
        });
        let mut files = files.collect::<Result<Vec<_>, _>>()?;
        files.iter().try_for_each(Staged::sync)?;
        put_in_place(&mut files)?;
        files
            .iter()
            .try_for_each(|file| sync_folder(folder_of(file.path())))
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
        write_all(&folder, &[("a/b/x.txt", "one"), ("a/b/x.json", "two")]).unwrap();
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
        write(&folder, "x.txt", "one").unwrap();
        write(&folder, "x.txt", "two").unwrap();
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
        write(&folder, "x.txt", "whole").unwrap();
        assert_eq!(fs::read(other.path()).unwrap(), b"ha");
        assert_eq!(fs::read(folder.path().join("x.txt")).unwrap(), b"whole");
    }

    #[test]
    fn a_file_that_holds_its_bytes_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "x.txt", "same").unwrap();
        let inode = || fs::metadata(folder.path().join("x.txt")).unwrap().ino();
        let before = inode();
        write(&folder, "x.txt", "same").unwrap();
        assert_eq!(inode(), before);
    }

    #[test]
    fn no_file_is_put_in_place_when_one_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("y.txt")).unwrap();
        for refused in ["y.txt".to_owned(), "n".repeat(300)] {
            write_all(&folder, &[("x.txt", "one"), (&refused, "two")]).unwrap_err();
            assert_eq!(names(folder.path()), ["y.txt"]);
        }
    }

    #[test]
    fn a_link_with_the_same_bytes_behind_it_is_replaced_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "same").unwrap();
        let link = folder.path().join("x.txt");
        symlink("precious", &link).unwrap();
        write(&folder, "x.txt", "same").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_no_problem_of_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let inside = format!("{}/x.txt", "n".repeat(300));
        let error = write(&folder, &inside, "one").unwrap_err();
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
        write(&folder, "x.txt", "new").unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("precious")).unwrap(),
            "old"
        );
    }

    #[test]
    fn an_error_names_the_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x.txt")).unwrap();
        let error = write(&folder, "x.txt", "one").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write `{}`", folder.path().join("x.txt").display())
        );
        assert!(!error.is_name_problem());
        assert_eq!(names(folder.path()), ["x.txt"]);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(write(&folder, "file/x.txt", "one").is_err());
        let long = "n".repeat(300);
        assert!(write(&folder, &long, "one").unwrap_err().is_name_problem());
    }

    #[test]
    fn what_is_at_a_place_is_told_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        assert_eq!(look(&path, b"new").unwrap(), Found::Nothing);
        fs::write(&path, "old").unwrap();
        assert_eq!(look(&path, b"new").unwrap(), Found::Other);
        assert_eq!(look(&path, b"old").unwrap(), Found::Same);
        assert_eq!(look(folder.path(), b"").unwrap(), Found::Folder);
        let link = folder.path().join("link");
        symlink("x.txt", &link).unwrap();
        assert_eq!(look(&link, b"old").unwrap(), Found::Other);
    }

    #[test]
    fn what_is_not_put_in_place_goes_and_what_was_written_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        let staged = Staged::write(path, Found::Nothing, b"one").unwrap();
        assert_eq!(staged.bytes().unwrap(), b"one");
        assert_eq!(names(folder.path()).len(), 1);
        drop(staged);
        assert!(names(folder.path()).is_empty());
    }
}
