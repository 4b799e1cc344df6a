//! Atomic, durable writes.
//!
//! A file is written to a staging file, synced and renamed. It appears complete or not at all.

use crate::disk::file_system;
use crate::disk::folder::{DEFAULT_MODE, create_durable, sync};
use crate::domain::WrittenFile;
use crate::output::error::WriteError;
use crate::output::place::place_new;
use crate::output::rendered_file::RenderedFile;
use crate::output::staging_file::create_staging_file;
use crate::output::target::{Content, Target, TargetState, changed_at_ns};
use crate::runtime::failpoint;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// A fully written staging file, next to its target path.
///
/// A crash leaves the target unchanged. It may leave the staging file, which
/// [`remove_staging_files`](crate::output::staging_file::remove_staging_files) removes. Dropping the value before
/// [`rename_into_place`] removes the staging file.
#[derive(Debug)]
pub struct StagedFile {
    target: Target,
    content: Content,
    /// Staging file. `None` once the target holds the content.
    staging: Option<NamedTempFile>,
}

impl StagedFile {
    /// Writes `file`, which has the size and hash `content`, to a staging file for `target`. Blocks.
    ///
    /// A target that already holds the content is synced instead of written, because a crash may have preceded its sync.
    ///
    /// # Errors
    /// Returns an error if the bytes cannot be written. No staging file is left in this case.
    pub fn write(
        target: Target,
        content: Content,
        file: &RenderedFile,
    ) -> Result<Self, WriteError> {
        let path = &target.path;
        let written = match target.state {
            TargetState::Identical => sync_existing(path).map(|()| None),
            TargetState::Folder => Err(io::ErrorKind::IsADirectory.into()),
            _ => write_staging_file(parent_folder(path), file).map(Some),
        };
        let staging = written.map_err(WriteError::at(path))?;
        Ok(Self {
            target,
            content,
            staging,
        })
    }

    /// Target path, and what was found there.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Size and hash of the new content.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Returns the record of the file, which is in place. Blocks.
    #[must_use]
    pub fn record(&self) -> WrittenFile {
        let Content { size_bytes, sha256 } = self.content;
        let metadata = fs::symlink_metadata(&self.target.path).ok();
        // Without a time, the file is recognised by its content alone.
        let of_same_size = metadata.filter(|found| found.len() == size_bytes);
        WrittenFile {
            path: self.target.path.clone(),
            size_bytes,
            sha256,
            changed_at_ns: of_same_size.as_ref().map(changed_at_ns),
        }
    }

    /// Whether it must be synced before the rename. This is not the case if the target already holds the content.
    #[must_use]
    pub const fn needs_sync(&self) -> bool {
        self.staging.is_some()
    }

    /// Returns the device number of its file system. Blocks.
    #[must_use]
    pub fn device(&self) -> Option<u64> {
        let file = self.staging.as_ref()?.as_file();
        file.metadata().ok().map(|metadata| metadata.dev())
    }

    /// Syncs the staging file to disk. Blocks.
    ///
    /// # Errors
    /// Returns an error if the sync fails.
    pub fn sync(&self) -> Result<(), WriteError> {
        if let Some(staging) = &self.staging {
            let synced = staging.as_file().sync_all();
            synced.map_err(WriteError::at(&self.target.path))?;
            failpoint::hit("output.write.file_synced");
        }
        Ok(())
    }

    /// Syncs the whole file system to disk. Blocks.
    ///
    /// Returns `None` if the file system gives weaker guarantees for this than for syncing each file.
    pub fn sync_file_system(&self) -> Option<Result<(), WriteError>> {
        let file = self.staging.as_ref()?.as_file();
        if !file_system::supports_syncfs(file) {
            return None;
        }
        let synced = file_system::sync(file).map_err(WriteError::at(&self.target.path));
        failpoint::hit("output.write.file_system_synced");
        Some(synced)
    }

    /// Changes the target. Its path must be in the same folder.
    pub fn set_target(&mut self, target: Target) {
        self.target = target;
    }

    /// Renames the staging file to the target path. A file that was not there when the target was examined is not
    /// replaced.
    fn persist(&mut self) -> Result<(), WriteError> {
        let Some(staging) = self.staging.take() else {
            return Ok(());
        };
        let path = &self.target.path;
        let renamed = match self.target.state {
            TargetState::Missing => place_new(staging, path),
            _ => staging.persist(path),
        };
        renamed.map_err(|failed| {
            self.staging = Some(failed.file);
            WriteError::at(&self.target.path)(failed.error)
        })?;
        failpoint::hit("output.write.renamed");
        Ok(())
    }
}

/// Renames synced staging files to their target paths. Blocks.
///
/// A file that appeared after its target was examined is not replaced. A symbolic link at a target path is replaced, not
/// followed. The renames are durable once the folders are synced. One
/// sync of a folder covers the files of several recordings. A crash leaves each target either unchanged or complete.
///
/// # Errors
/// Returns an error if a rename fails. The files before it are already renamed.
pub fn rename_into_place(files: &mut [StagedFile]) -> Result<(), WriteError> {
    files.iter_mut().try_for_each(StagedFile::persist)
}

/// Creates a folder and its parents durably. Blocks.
///
/// # Errors
/// Returns an error if the folder cannot be created or synced.
pub fn create_folder(folder: &Path) -> Result<(), WriteError> {
    create_durable(folder, DEFAULT_MODE).map_err(WriteError::at(folder))?;
    failpoint::hit("output.write.folders_made");
    Ok(())
}

/// Syncs the entries of a folder to disk. Blocks.
///
/// # Errors
/// Returns an error if the sync fails.
pub fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    sync(folder).map_err(WriteError::at(folder))?;
    failpoint::hit("output.write.folder_synced");
    Ok(())
}

/// Returns the folder of a file. For a bare name it is `.`, because an empty path cannot be opened.
#[must_use]
pub fn parent_folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder.unwrap_or(Path::new("/")),
    }
}

fn sync_existing(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    failpoint::hit("output.write.found_in_place");
    Ok(())
}

fn write_staging_file(folder: &Path, file: &RenderedFile) -> io::Result<NamedTempFile> {
    let mut staging = create_staging_file(folder)?;
    failpoint::hit("output.write.begun");
    file.write_to(&mut staging)?;
    failpoint::hit("output.write.staged");
    Ok(staging)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FileRecord;
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> Result<(), WriteError> {
        write_all(folder, &[(name, text)])
    }

    fn write_all(folder: &tempfile::TempDir, files: &[(&str, &str)]) -> Result<(), WriteError> {
        let files = files.iter().map(|(name, text)| {
            let path = folder.path().join(name);
            create_folder(parent_folder(&path))?;
            let content = Content::of(text.as_bytes());
            let target = Target::inspect(path, &content, None)?;
            StagedFile::write(target, content, &text.as_bytes().into())
        });
        let mut files = files.collect::<Result<Vec<_>, _>>()?;
        files.iter().try_for_each(StagedFile::sync)?;
        rename_into_place(&mut files)?;
        files
            .iter()
            .try_for_each(|file| sync_folder(parent_folder(&file.target().path)))
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
    fn only_the_files_and_their_folders_are_created() {
        let folder = tempfile::tempdir().unwrap();
        write_all(&folder, &[("a/b/x.txt", "one"), ("a/b/x.json", "two")]).unwrap();
        assert_eq!(names(&folder.path().join("a/b")), ["x.json", "x.txt"]);
        assert_eq!(
            fs::read_to_string(folder.path().join("a/b/x.txt")).unwrap(),
            "one"
        );
    }

    #[test]
    fn a_replaced_file_has_the_default_permissions() {
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
    fn staging_files_of_other_processes_are_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = create_staging_file(folder.path()).unwrap();
        other.write_all(b"ha").unwrap();
        write(&folder, "x.txt", "whole").unwrap();
        assert_eq!(fs::read(other.path()).unwrap(), b"ha");
        assert_eq!(fs::read(folder.path().join("x.txt")).unwrap(), b"whole");
    }

    #[test]
    fn an_identical_file_is_not_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "x.txt", "same").unwrap();
        let inode = || fs::metadata(folder.path().join("x.txt")).unwrap().ino();
        let before = inode();
        write(&folder, "x.txt", "same").unwrap();
        assert_eq!(inode(), before);
    }

    #[test]
    fn one_bad_target_prevents_all_renames() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("y.txt")).unwrap();
        for refused in ["y.txt".to_owned(), "n".repeat(300)] {
            write_all(&folder, &[("x.txt", "one"), (&refused, "two")]).unwrap_err();
            assert_eq!(names(folder.path()), ["y.txt"]);
        }
    }

    #[test]
    fn a_link_to_identical_bytes_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "same").unwrap();
        let link = folder.path().join("x.txt");
        symlink("precious", &link).unwrap();
        write(&folder, "x.txt", "same").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
    }

    #[test]
    fn a_folder_name_can_be_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let inside = format!("{}/x.txt", "n".repeat(300));
        let error = write(&folder, &inside, "one").unwrap_err();
        assert!(error.is_rejected_name());
    }

    #[test]
    fn a_file_that_appears_after_the_check_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = (folder.path().join("x.txt"), Content::of(b"one"));
        let target = Target::inspect(path.clone(), &content, None).unwrap();
        let mut files = [StagedFile::write(target, content, &"one".into()).unwrap()];
        fs::write(&path, "of another program").unwrap();
        let error = rename_into_place(&mut files).unwrap_err();
        assert!(error.is_taken());
        assert_eq!(fs::read_to_string(&path).unwrap(), "of another program");
        assert!(
            files[0].needs_sync(),
            "the staging file is kept for another name"
        );
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(parent_folder(Path::new("x.txt")), Path::new("."));
        assert_eq!(parent_folder(Path::new("a/x.txt")), Path::new("a"));
    }

    #[test]
    fn a_link_is_replaced_and_its_target_untouched() {
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
    fn an_error_names_the_file_and_leaves_no_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x.txt")).unwrap();
        let error = write(&folder, "x.txt", "one").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write `{}`", folder.path().join("x.txt").display())
        );
        assert!(!error.is_rejected_name());
        assert_eq!(names(folder.path()), ["x.txt"]);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(write(&folder, "file/x.txt", "one").is_err());
        let long = "n".repeat(300);
        assert!(write(&folder, &long, "one").unwrap_err().is_rejected_name());
    }

    #[test]
    fn a_dropped_staging_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let content = Content::of(b"one");
        let target = Target::inspect(folder.path().join("x.txt"), &content, None).unwrap();
        let staged = StagedFile::write(target, content, &"one".into()).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(staged);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn the_record_of_a_written_file_proves_that_it_is_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = (folder.path().join("x.txt"), Content::of(b"one"));
        let target = Target::inspect(path.clone(), &content, None).unwrap();
        let mut files = [StagedFile::write(target, content, &"one".into()).unwrap()];
        rename_into_place(&mut files).unwrap();
        let written = files[0].record();
        let record = FileRecord {
            size_bytes: written.size_bytes,
            sha256: Some(written.sha256),
            changed_at_ns: written.changed_at_ns,
            replacing: None,
        };
        let found = fs::metadata(path).unwrap();
        let unchanged = record.unchanged(found.len(), changed_at_ns(&found));
        assert_eq!(unchanged, Some(content.sha256));
    }
}
