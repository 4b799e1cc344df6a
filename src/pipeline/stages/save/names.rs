//! Choice of file names that overwrite no other file and no edited transcript.

use crate::domain::file_name::TemplateValues;
use crate::domain::{ErrorClass, Failure, FileNameTemplate, Format};
use crate::output::error::WriteError;
use crate::output::naming;
use crate::output::portable_name::NameForm;
use crate::output::target::{Content, Target, TargetState};
use crate::store::sqlite::outputs::FileRecords;
use crate::store::sqlite::queue::ReceivedJob;
use std::ffi::{OsStr, OsString};
use std::iter::{self, Peekable};
use std::path::{Path, PathBuf};

/// Number of names tried for a recording's transcripts before the attempt fails.
const MAX_NAMES: usize = 100;

/// Treatment of a transcript that was edited since it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEdited {
    /// Keep it, and write the new transcript to another file next to it.
    Keep,
    /// Replace it.
    Replace,
}

/// Files that were written for a recording before, by their records, and the treatment of edited ones.
#[derive(Debug, Clone)]
pub struct EarlierFiles {
    /// Records of the files.
    pub records: FileRecords,
    /// Treatment of a file with a record and other content.
    pub on_edited: OnEdited,
}

/// Template and values for the file names of a result.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Template of the configuration.
    pub template: FileNameTemplate,
    /// Values for its placeholders.
    pub facts: TemplateValues,
    /// Form to begin with.
    pub form: NameForm,
}

/// The target of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenTarget {
    /// Where the file is written.
    pub target: Target,
    /// The edited file that is kept, if the target is next to it.
    pub kept: Option<PathBuf>,
}

/// Converts a write error to the failure of a job.
#[must_use]
pub fn write_failure(error: &WriteError) -> Failure {
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(ErrorClass::Output, format!("{error}{reason}"))
}

/// Candidate names for the files of a result, in order of preference.
pub struct NameCandidates {
    folder: PathBuf,
    naming: Naming,
    /// Format and content of each file.
    files: Vec<(Format, Content)>,
    earlier: EarlierFiles,
    bases: Peekable<Box<dyn Iterator<Item = OsString> + Send + Sync>>,
    /// First path that the file system rejected.
    rejected: Option<PathBuf>,
    /// Last path that another file took although it was free.
    taken: Option<PathBuf>,
    /// Error returned when no candidate is left.
    exhausted: Failure,
}

impl NameCandidates {
    /// Starts with the base name recorded for the recording. The others follow in the order of [`naming::base_names`].
    pub fn new(
        received: &ReceivedJob,
        folder: PathBuf,
        naming: Naming,
        files: Vec<(Format, Content)>,
        earlier: EarlierFiles,
    ) -> Self {
        let name = received.recording.relative.file_name().unwrap_or_default();
        let own = received.base_name.clone();
        let others = naming::base_names(name).filter({
            let own = own.clone();
            move |base| *base != own
        });
        let bases: Box<dyn Iterator<Item = OsString> + Send + Sync> =
            Box::new(iter::once(own).chain(others).take(MAX_NAMES));
        Self {
            folder,
            naming,
            files,
            earlier,
            bases: bases.peekable(),
            rejected: None,
            taken: None,
            exhausted: Failure::new(
                ErrorClass::Output,
                "every candidate name for its transcripts is taken",
            ),
        }
    }

    /// Folder of the files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the targets of the first candidate that overwrites no other file. `reserve` is called with their paths, and
    /// returns `false` if another result is being written to one of them.
    ///
    /// # Errors
    /// If no candidate is left, or the paths cannot be examined.
    pub fn choose(
        &mut self,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Vec<ChosenTarget>, Failure> {
        while let Some(base) = self.bases.peek().cloned() {
            match self.targets(&base) {
                Ok(Some(targets)) => {
                    let paths: Vec<_> = targets.iter().map(|one| one.target.path.clone()).collect();
                    if !reserve(&paths) {
                        self.bases.next();
                        continue;
                    }
                    // Checked again: another result may have been written there just before the paths were reserved.
                    let again = self.targets(&base);
                    if again.map_err(|error| write_failure(&error))?.as_ref() == Some(&targets) {
                        return Ok(targets);
                    }
                }
                Ok(None) => _ = self.bases.next(),
                Err(error) if error.is_rejected_name() => self.reject(&error),
                Err(error) => return Err(write_failure(&error)),
            }
        }
        Err(self.exhausted.clone())
    }

    /// Changes the form of the names, because the file system rejects the present candidate. After the last form, skips the
    /// candidate.
    pub fn reject(&mut self, error: &WriteError) {
        self.exhausted = write_failure(error);
        self.rejected.get_or_insert_with(|| error.path().to_owned());
        match self.naming.form.next() {
            Some(form) => self.naming.form = form,
            None => _ = self.bases.next(),
        }
    }

    /// Skips the present candidate if another file took `path` before, too, although it looked free.
    pub fn skip_taken(&mut self, path: &Path) {
        if self.taken.as_deref() == Some(path) {
            self.bases.next();
        }
        self.taken = Some(path.to_owned());
    }

    /// Returns the first path that the file system rejected.
    pub fn rejected(&self) -> Option<&Path> {
        self.rejected.as_deref()
    }

    /// Returns the targets of a candidate, or `None` if one of its paths may not be written.
    fn targets(&self, base: &OsStr) -> Result<Option<Vec<ChosenTarget>>, WriteError> {
        let Naming {
            template,
            facts,
            form,
        } = &self.naming;
        let base = naming::apply_template(template, base, facts, *form);
        let targets = self.files.iter().map(|file| self.target(&base, file));
        targets.collect()
    }

    fn target(
        &self,
        base: &OsStr,
        file: &(Format, Content),
    ) -> Result<Option<ChosenTarget>, WriteError> {
        let target = self.inspect(base, file)?;
        Ok(match target.state {
            TargetState::Foreign | TargetState::Folder => None,
            TargetState::Edited if self.earlier.on_edited == OnEdited::Keep => {
                self.next_to(target.path, base, file)?
            }
            _ => Some(ChosenTarget { target, kept: None }),
        })
    }

    /// Returns the target for the new version of the edited file `kept`.
    fn next_to(
        &self,
        kept: PathBuf,
        base: &OsStr,
        file: &(Format, Content),
    ) -> Result<Option<ChosenTarget>, WriteError> {
        for name in naming::new_version_names(base).take(MAX_NAMES) {
            let target = self.inspect(&name, file)?;
            if let TargetState::Missing | TargetState::Identical | TargetState::Unedited(_) =
                target.state
            {
                let kept = Some(kept);
                return Ok(Some(ChosenTarget { target, kept }));
            }
        }
        Ok(None)
    }

    fn inspect(
        &self,
        base: &OsStr,
        (format, content): &(Format, Content),
    ) -> Result<Target, WriteError> {
        let path = self.folder.join(naming::file_name(base, *format));
        let record = self.earlier.records.get(&path);
        Target::inspect(path, content, record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FileRecord, Recording};
    use std::fs;

    fn received() -> ReceivedJob {
        ReceivedJob {
            recording: Recording {
                relative: "talk.mp3".into(),
                ..ReceivedJob::for_job(1).recording
            },
            base_name: "talk".into(),
            ..ReceivedJob::for_job(1)
        }
    }

    /// Returns the candidates for a transcript in `txt` and `srt`. `written` are the recorded names, with their content.
    fn candidates(folder: &Path, written: &[(&str, &str)], on_edited: OnEdited) -> NameCandidates {
        let naming = Naming {
            template: "{stem}".parse().unwrap(),
            facts: TemplateValues::default(),
            form: NameForm::Original,
        };
        let content = Content::of(b"new");
        let files = [Format::Txt, Format::Srt].map(|format| (format, content));
        let records = written.iter().map(|(name, text)| {
            let content = Content::of(text.as_bytes());
            let record = FileRecord {
                size_bytes: content.size_bytes,
                sha256: Some(content.sha256),
                ..FileRecord::default()
            };
            (folder.join(name), record)
        });
        let earlier = EarlierFiles {
            records: records.collect(),
            on_edited,
        };
        let folder = folder.to_owned();
        NameCandidates::new(&received(), folder, naming, files.into(), earlier)
    }

    fn chosen_names(mut names: NameCandidates) -> Vec<String> {
        let targets = names.choose(|_| true).unwrap();
        let names = targets.iter().map(|chosen| {
            let name = chosen.target.path.file_name().unwrap();
            name.to_str().unwrap().to_owned()
        });
        names.collect()
    }

    #[test]
    fn a_file_created_during_the_check_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = candidates(folder.path(), &[], OnEdited::Keep);
        // Another batch writes the first name and releases it just before it is reserved here.
        let other = folder.path().join("talk.txt");
        let reserve = |_: &[PathBuf]| fs::write(&other, "another talk").is_ok();
        let targets = names.choose(reserve).unwrap();
        assert_eq!(targets[0].target.path, folder.path().join("talk.mp3.txt"));
    }

    #[test]
    fn a_rejected_name_changes_its_form_before_its_base() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = candidates(folder.path(), &[], OnEdited::Keep);
        names.bases = {
            let bases: Box<dyn Iterator<Item = OsString> + Send + Sync> =
                Box::new(["é?".into(), "other".into()].into_iter());
            bases.peekable()
        };
        let long = folder.path().join("n".repeat(300));
        let error = Target::inspect(long.clone(), &Content::of(b""), None).unwrap_err();
        let mut chosen = Vec::new();
        for _ in 0..4 {
            let targets = names.choose(|_| true).unwrap();
            chosen.push(targets[0].target.path.clone());
            names.reject(&error);
        }
        let expected = ["é?.txt", "é%3F.txt", "%C3%A9%3F.txt", "other.txt"];
        assert_eq!(chosen, expected.map(|name| folder.path().join(name)));
        assert_eq!(names.rejected(), Some(&*long));
        assert!(names.choose(|_| true).is_err());
    }

    #[test]
    fn a_name_that_is_taken_twice_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = candidates(folder.path(), &[], OnEdited::Keep);
        let path = folder.path().join("talk.txt");
        for expected in ["talk.txt", "talk.txt", "talk.mp3.txt"] {
            let targets = names.choose(|_| true).unwrap();
            assert_eq!(targets[0].target.path, folder.path().join(expected));
            names.skip_taken(&path);
        }
    }

    #[test]
    fn an_edited_file_is_kept_and_the_others_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("talk.txt"), "edited").unwrap();
        fs::write(folder.path().join("talk.srt"), "old").unwrap();
        let written = [("talk.txt", "old"), ("talk.srt", "old")];
        let names = |on_edited| chosen_names(candidates(folder.path(), &written, on_edited));
        assert_eq!(names(OnEdited::Keep), ["talk.new.txt", "talk.srt"]);
        assert_eq!(names(OnEdited::Replace), ["talk.txt", "talk.srt"]);
    }

    #[test]
    fn an_edited_new_version_is_kept_too() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["talk.txt", "talk.new.txt"] {
            fs::write(folder.path().join(name), "edited").unwrap();
        }
        fs::write(folder.path().join("talk.new~2.txt"), "of another program").unwrap();
        let written = [("talk.txt", "old"), ("talk.new.txt", "old")];
        let names = candidates(folder.path(), &written, OnEdited::Keep);
        assert_eq!(chosen_names(names), ["talk.new~3.txt", "talk.srt"]);
    }

    #[test]
    fn a_deleted_file_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let names = candidates(folder.path(), &[("talk.txt", "old")], OnEdited::Keep);
        assert_eq!(chosen_names(names), ["talk.txt", "talk.srt"]);
    }

    #[test]
    fn a_file_of_an_earlier_version_is_kept_unless_identical() {
        let folder = tempfile::tempdir().unwrap();
        let names = |text: &str| {
            fs::write(folder.path().join("talk.txt"), text).unwrap();
            let mut names = candidates(folder.path(), &[], OnEdited::Keep);
            let earlier = FileRecord {
                size_bytes: 3,
                ..FileRecord::default()
            };
            names.earlier.records = [(folder.path().join("talk.txt"), earlier)].into();
            chosen_names(names)
        };
        assert_eq!(names("old")[0], "talk.new.txt");
        assert_eq!(names("new")[0], "talk.txt");
    }
}
