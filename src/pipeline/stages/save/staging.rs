//! Writes the files of one result, under names that overwrite no other file.
//!
//! The functions block and do not use the database. The caller reads from it before and records the files afterwards.

use crate::domain::{Failure, KeptFile, WrittenFile};
use crate::output::error::WriteError;
use crate::output::target::{Target, TargetState};
use crate::output::write::{StagedFile, rename_into_place};
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::pipeline::stages::save::names::{
    ChosenTarget, EarlierFiles, NameCandidates, write_failure,
};
use crate::pipeline::stages::save::rendering::{Findings, RenderedFiles, damaged_result};
use crate::store::sqlite::outputs::Replacement;
use crate::store::sqlite::queue::ReceivedJob;
use std::io;
use std::path::{Path, PathBuf};

/// Files of a result, in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFiles {
    /// Records of all files.
    pub written: Vec<WrittenFile>,
    /// Edited files for which a new version was written now. A new version that already existed is not listed again.
    pub kept: Vec<KeptFile>,
    /// Path that the file system rejected, so that another form of the name was used.
    pub rejected: Option<PathBuf>,
}

/// Staging files of a result, complete and under hidden names. Dropping this removes them.
pub struct StagedFiles {
    names: NameCandidates,
    files: Vec<StagedFile>,
    /// Edited file that is kept for each file.
    kept: Vec<Option<PathBuf>>,
    /// Folder that the file system rejected.
    rejected_folder: Option<PathBuf>,
}

impl StagedFiles {
    /// Writes the staging files for the first name that overwrites no other file.
    ///
    /// A file that exists may be overwritten only if the records of `earlier` show that its content was written by
    /// nightscribe. `reserve` is called with the paths of a candidate, and returns `false` if another result is being written
    /// to one of them.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn stage(
        received: &ReceivedJob,
        earlier: EarlierFiles,
        folders: &OutputFolders,
        rendered: RenderedFiles,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Self, Failure> {
        let folder = match rendered.files.is_empty() {
            true => folders.preferred.as_path(),
            false => folders.create().map_err(|error| write_failure(&error))?,
        };
        let rejected_folder = (folder != folders.preferred).then(|| folders.preferred.clone());
        let files = rendered.files.iter();
        let contents = files.map(|(format, file)| Ok((*format, file.content()?)));
        let contents: io::Result<Vec<_>> = contents.collect();
        let contents = contents.map_err(|_| damaged_result())?;
        let mut names = NameCandidates::new(
            received,
            folder.to_owned(),
            rendered.naming,
            contents.clone(),
            earlier,
        );
        let (targets, kept): (Vec<_>, _) = split(names.choose(reserve)?);
        let files = targets.into_iter().zip(contents).zip(&rendered.files);
        let files = files.map(|((target, (_, content)), (_, file))| {
            StagedFile::write(target, content, file).map_err(|error| write_failure(&error))
        });
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
            names,
            kept,
            rejected_folder,
        })
    }

    /// Returns the staging files that are not synced yet.
    pub fn unsynced(&self) -> impl Iterator<Item = &StagedFile> {
        self.files.iter().filter(|file| file.needs_sync())
    }

    /// Returns the recorded files whose content is about to be replaced. Record them before [`commit`](Self::commit).
    pub fn replacements(&self) -> impl Iterator<Item = Replacement> + '_ {
        self.files.iter().filter_map(|file| {
            let TargetState::Unedited(present) = file.target().state else {
                return None;
            };
            Some(Replacement {
                path: file.target().path.clone(),
                present_size_bytes: present.size_bytes,
                present: present.sha256,
                new: file.content().sha256,
            })
        })
    }

    /// Syncs the staging files.
    ///
    /// # Errors
    /// If a file cannot be synced.
    pub fn sync(&self) -> Result<(), Failure> {
        let synced = self.files.iter().try_for_each(StagedFile::sync);
        synced.map_err(|error| write_failure(&error))
    }

    /// Renames the staging files to their final names, or to others if a file was changed in the meantime or the file
    /// system rejects a name. The files are durable once their folder is synced.
    ///
    /// # Errors
    /// If the files cannot be renamed.
    pub fn commit(mut self, reserve: impl Fn(&[PathBuf]) -> bool) -> Result<PlacedFiles, Failure> {
        loop {
            match self.rename() {
                Ok(Renamed::All) => return Ok(self.placed()),
                Ok(Renamed::NoneBecauseChanged) => {}
                // After one file was renamed, the base name is valid, so another candidate would not help.
                Err(error) if !self.files.iter().all(StagedFile::needs_sync) => {
                    return Err(write_failure(&error));
                }
                Err(error) if error.is_taken() => self.names.skip_taken(error.path()),
                Err(error) if error.is_rejected_name() => self.names.reject(&error),
                Err(error) => return Err(write_failure(&error)),
            }
            let (targets, kept) = split(self.names.choose(&reserve)?);
            self.kept = kept;
            for (file, target) in self.files.iter_mut().zip(targets) {
                file.set_target(target);
            }
        }
    }

    fn rename(&mut self) -> Result<Renamed, WriteError> {
        for file in self.unsynced() {
            if !file.target().is_current()? {
                return Ok(Renamed::NoneBecauseChanged);
            }
        }
        rename_into_place(&mut self.files)?;
        Ok(Renamed::All)
    }

    fn placed(&self) -> PlacedFiles {
        let rejected = self.rejected_folder.as_deref().or(self.names.rejected());
        let kept = self.files.iter().zip(&self.kept);
        let kept = kept.filter_map(|(file, kept)| {
            let is_new = file.target().state != TargetState::Identical;
            let path = kept.clone().filter(|_| is_new)?;
            Some(KeptFile {
                path,
                new: file.target().path.clone(),
            })
        });
        PlacedFiles {
            written: self.files.iter().map(StagedFile::record).collect(),
            kept: kept.collect(),
            rejected: rejected.map(Path::to_owned),
        }
    }
}

/// Outcome of renaming the files of a result.
enum Renamed {
    /// All files are in place.
    All,
    /// No file was renamed, because a target changed since it was examined.
    NoneBecauseChanged,
}

fn split(chosen: Vec<ChosenTarget>) -> (Vec<Target>, Vec<Option<PathBuf>>) {
    let chosen = chosen.into_iter();
    chosen.map(|chosen| (chosen.target, chosen.kept)).unzip()
}

/// A result whose staging files are written, or the failure.
pub(crate) struct StagedResult {
    pub(crate) received: ReceivedJob,
    /// Staging files, and what is reported about the transcript.
    pub(crate) outcome: Result<(StagedFiles, Findings), Failure>,
}

impl StagedResult {
    /// Returns the staging files to sync before they are renamed.
    pub(crate) fn unsynced(&self) -> impl Iterator<Item = &StagedFile> {
        self.outcome
            .iter()
            .flat_map(|(staging, _)| staging.unsynced())
    }

    /// Returns the recorded files whose content is about to be replaced.
    pub(crate) fn replacements(&self) -> impl Iterator<Item = Replacement> + '_ {
        self.outcome
            .iter()
            .flat_map(|(staging, _)| staging.replacements())
    }

    /// Runs `then` unless the result has failed. A failure of `then` becomes that of the result.
    pub(crate) fn and_then(
        mut self,
        then: impl FnOnce(&StagedFiles) -> Result<(), Failure>,
    ) -> Self {
        self.outcome = self.outcome.and_then(|(staging, findings)| {
            then(&staging)?;
            Ok((staging, findings))
        });
        self
    }
}
