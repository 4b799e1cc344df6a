//! Writes the files of one result, under names that overwrite no other file.
//!
//! The functions block and do not use the database. The caller reads from it before and records the files afterwards.

use crate::config::{Layout, OutputConfig};
use crate::domain::Location;
use crate::domain::file_name::TemplateValues;
use crate::domain::{ErrorClass, Failure, FileNameTemplate, Format};
use crate::output::link::relative_link;
use crate::output::naming;
use crate::output::render::{TranscriptMetadata, render};
use crate::output::write::{
    StagedFile, TargetState, WriteError, create_folder, rename_into_place, target_state,
};
use crate::provider::Completed;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::transitions::WrittenFile;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Path, PathBuf};

/// Number of names tried for a recording's transcripts before the attempt fails.
const MAX_NAMES: usize = 100;

/// Returns the folder for the transcripts of a recording.
#[must_use]
pub fn output_folder(output: &OutputConfig, received: &ReceivedJob) -> PathBuf {
    match (output.layout, &received.recording.location) {
        (Layout::Beside, Location::File(path)) => {
            path.parent().unwrap_or(Path::new("/")).to_owned()
        }
        _ => naming::transcript_folder(
            &output.dir,
            &received.recording.source,
            &received.recording.relative,
        ),
    }
}

/// Template and values for the file names of a result.
#[derive(Debug, Clone)]
pub struct Naming {
    template: FileNameTemplate,
    facts: TemplateValues,
}

/// A result, rendered in the configured formats.
#[derive(Debug, Clone)]
pub struct RenderedFiles {
    /// Template and values for the file names.
    pub naming: Naming,
    /// Content of each file, in the order of the configured formats.
    pub files: Vec<(Format, Vec<u8>)>,
    /// Whether the recording contains no speech.
    pub silent: bool,
}

/// Renders a result in `formats`, for files in `folder`.
#[must_use]
pub fn render_files(
    received: &ReceivedJob,
    Completed { raw, transcript }: &Completed,
    folder: &Path,
    name: &FileNameTemplate,
    formats: &[Format],
) -> RenderedFiles {
    let envelope = envelope(received, folder);
    let render = |&format| (format, render(format, transcript, raw, &envelope));
    RenderedFiles {
        naming: Naming {
            template: name.clone(),
            facts: facts(received, transcript.language.as_deref()),
        },
        files: formats.iter().map(render).collect(),
        silent: transcript.is_silent(),
    }
}

fn facts(received: &ReceivedJob, detected: Option<&str>) -> TemplateValues {
    let requested = received.request.options().get("language");
    let language = detected.or_else(|| requested?.as_str());
    let date = match received.recording.location {
        Location::File(_) => Some(received.recording.revision.modified),
        Location::Url(_) => None,
    };
    TemplateValues::new(
        language,
        &received.recording.source,
        date,
        received.request.model(),
    )
}

fn envelope<'a>(received: &'a ReceivedJob, folder: &Path) -> TranscriptMetadata<'a> {
    let (recording, audio) = match &received.recording.location {
        Location::File(path) => {
            let recording = received.recording.relative.to_string_lossy().into_owned();
            (recording, relative_link(folder, path))
        }
        Location::Url(url) => (url.clone(), url.clone()),
    };
    TranscriptMetadata {
        source: &received.recording.source,
        recording,
        audio,
        sha256: received.sha256.as_deref(),
        request: &received.request,
        generation_id: received
            .generation
            .as_ref()
            .map(crate::domain::GenerationId::as_str),
        recorded_at: received.recorded_at,
        submitted_at: received.accepted_at,
        received_at: received.received_at,
    }
}

/// Staging files of a result, complete and under hidden names. Dropping this removes them.
pub struct StagedFiles {
    names: NameCandidates,
    own_files: HashSet<PathBuf>,
    files: Vec<StagedFile>,
}

impl StagedFiles {
    /// Writes the staging files for the first name that overwrites no other file.
    ///
    /// A file that exists may be overwritten only if it is in `own_files`, the files recorded for this recording.
    /// `reserve` is called with the paths of a candidate, and returns `false` if another result is being written to one
    /// of them.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn stage(
        received: &ReceivedJob,
        own_files: HashSet<PathBuf>,
        folder: PathBuf,
        rendered: RenderedFiles,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Self, Failure> {
        let (formats, contents): (Vec<_>, Vec<_>) = rendered.files.into_iter().unzip();
        let mut names = NameCandidates::new(received, folder, rendered.naming, formats);
        create_folder(&names.folder).map_err(|error| write_failure(&error))?;
        let contents_of = |index: usize| Ok(Cow::from(&contents[index]));
        let (paths, found) = names.choose(&own_files, contents_of, reserve)?;
        let files = paths.into_iter().zip(found).zip(&contents);
        let files = files.map(|((path, found), bytes)| StagedFile::write(path, found, bytes));
        Ok(Self {
            files: files
                .collect::<Result<_, _>>()
                .map_err(|error| write_failure(&error))?,
            names,
            own_files,
        })
    }

    /// Returns the staging files that are not synced yet.
    pub fn unsynced(&self) -> impl Iterator<Item = &StagedFile> {
        self.files.iter().filter(|file| file.needs_sync())
    }

    /// Syncs the staging files.
    ///
    /// # Errors
    /// If a file cannot be synced.
    pub fn sync(&self) -> Result<(), Failure> {
        let synced = self.files.iter().try_for_each(StagedFile::sync);
        synced.map_err(|error| write_failure(&error))
    }

    /// Renames the staging files to their final names, or to the next candidate if the file system rejects a name. The
    /// files are durable once their folder is synced.
    ///
    /// # Errors
    /// If the files cannot be renamed.
    pub fn commit(
        mut self,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Vec<WrittenFile>, Failure> {
        loop {
            match rename_into_place(&mut self.files) {
                Ok(()) => return Ok(self.files.iter().map(written).collect()),
                // After one file was renamed, the base name is valid, so another candidate would not help.
                Err(error)
                    if error.is_invalid_name() && self.files.iter().all(StagedFile::needs_sync) =>
                {
                    let bytes = |index: usize| self.files[index].read_back().map(Cow::from);
                    let (paths, _) = self.names.choose(&self.own_files, bytes, &reserve)?;
                    for (file, path) in self.files.iter_mut().zip(paths) {
                        file.set_path(path);
                    }
                }
                Err(error) => return Err(write_failure(&error)),
            }
        }
    }
}

fn written(file: &StagedFile) -> WrittenFile {
    WrittenFile {
        path: file.path().to_owned(),
        size_bytes: file.size_bytes(),
    }
}

/// Candidate names for the files of a result, in order of preference.
struct NameCandidates {
    folder: PathBuf,
    naming: Naming,
    formats: Vec<Format>,
    bases: Box<dyn Iterator<Item = OsString> + Send>,
    /// Error returned when no candidate is left.
    exhausted: Failure,
}

impl NameCandidates {
    /// Starts with the base name recorded for the recording. The others follow in the order of [`naming::base_names`].
    fn new(received: &ReceivedJob, folder: PathBuf, naming: Naming, formats: Vec<Format>) -> Self {
        let name = received.recording.relative.file_name().unwrap_or_default();
        let own = received.base_name.clone();
        let others = naming::base_names(name).filter({
            let own = own.clone();
            move |base| *base != own
        });
        Self {
            folder,
            naming,
            formats,
            bases: Box::new(iter::once(own).chain(others).take(MAX_NAMES)),
            exhausted: Failure::new(
                ErrorClass::Output,
                "every candidate name for its transcripts is taken",
            ),
        }
    }

    /// Returns the paths of the next candidate that overwrites no other file, and what exists at each path. `contents`
    /// returns the bytes of the file with the given index.
    fn choose<'a>(
        &mut self,
        own_files: &HashSet<PathBuf>,
        contents: impl Fn(usize) -> Result<Cow<'a, [u8]>, WriteError>,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<(Vec<PathBuf>, Vec<TargetState>), Failure> {
        while let Some(base) = self.bases.next() {
            let paths = self.paths(&base);
            match check_paths(&paths, own_files, &contents) {
                Ok(None) => {}
                Ok(Some(_)) if !reserve(&paths) => {}
                // Checked again: another result may have been written there just before the paths were reserved.
                Ok(Some(_)) => {
                    let found = check_paths(&paths, own_files, &contents);
                    if let Some(found) = found.map_err(|error| write_failure(&error))? {
                        return Ok((paths, found));
                    }
                }
                Err(error) if error.is_invalid_name() => self.exhausted = write_failure(&error),
                Err(error) => return Err(write_failure(&error)),
            }
        }
        Err(self.exhausted.clone())
    }

    fn paths(&self, base: &OsStr) -> Vec<PathBuf> {
        let Naming { template, facts } = &self.naming;
        let base = naming::apply_template(template, base, facts);
        let path = |format: &Format| self.folder.join(naming::file_name(&base, *format));
        self.formats.iter().map(path).collect()
    }
}

/// Returns what exists at the paths, or `None` if one of them may not be written.
fn check_paths<'a>(
    paths: &[PathBuf],
    own_files: &HashSet<PathBuf>,
    contents: impl Fn(usize) -> Result<Cow<'a, [u8]>, WriteError>,
) -> Result<Option<Vec<TargetState>>, WriteError> {
    let mut all = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        let found = target_state(path, &contents(index)?)?;
        if !is_free(found, own_files.contains(path)) {
            return Ok(None);
        }
        all.push(found);
    }
    Ok(Some(all))
}

/// Whether a file may be written over `found`. `is_own` states whether `found` belongs to this recording.
const fn is_free(found: TargetState, is_own: bool) -> bool {
    match found {
        TargetState::Missing | TargetState::Identical => true,
        TargetState::Different => is_own,
        TargetState::Folder => false,
    }
}

/// Converts a write error to the failure of a job.
#[must_use]
pub fn write_failure(error: &WriteError) -> Failure {
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(ErrorClass::Output, format!("{error}{reason}"))
}

/// A result whose staging files are written, or the failure.
pub(crate) struct StagedResult {
    pub(super) received: ReceivedJob,
    /// Staging files, and whether the recording contains no speech.
    pub(super) outcome: Result<(StagedFiles, bool), Failure>,
}

impl StagedResult {
    /// Returns the staging files to sync before they are renamed.
    pub(crate) fn unsynced(&self) -> impl Iterator<Item = &StagedFile> {
        self.outcome
            .iter()
            .flat_map(|(staging, _)| staging.unsynced())
    }

    /// Runs `then` unless the result has failed. A failure of `then` becomes that of the result.
    pub(crate) fn and_then(
        mut self,
        then: impl FnOnce(&StagedFiles) -> Result<(), Failure>,
    ) -> Self {
        self.outcome = self.outcome.and_then(|(staging, silent)| {
            then(&staging)?;
            Ok((staging, silent))
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use crate::domain::Recording;

    #[test]
    fn a_file_created_during_the_check_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let naming = Naming {
            template: "{stem}".parse().unwrap(),
            facts: TemplateValues::default(),
        };
        let received = ReceivedJob {
            recording: Recording {
                relative: "talk.mp3".into(),
                ..ReceivedJob::for_job(1).recording
            },
            base_name: "talk".into(),
            ..ReceivedJob::for_job(1)
        };
        let mut names =
            NameCandidates::new(&received, folder.path().into(), naming, vec![Format::Txt]);
        // Another batch writes the first name and releases it just before it is reserved here.
        let other = folder.path().join("talk.txt");
        let reserve = |_: &[PathBuf]| fs::write(&other, "another talk").is_ok();
        let contents = |_| Ok(Cow::from(&b"this talk"[..]));
        let (paths, _) = names.choose(&HashSet::new(), contents, reserve).unwrap();
        assert_eq!(paths, [folder.path().join("talk.mp3.txt")]);
    }
}
