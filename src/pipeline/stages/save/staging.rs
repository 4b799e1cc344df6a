//! Writes the files of one result, under names that overwrite no other file.
//!
//! The functions block and do not use the database. The caller reads from it before and records the files afterwards.

use crate::config::{Layout, Names, OutputConfig};
use crate::domain::file_name::TemplateValues;
use crate::domain::readable_path::{path_bytes, readable_path};
use crate::domain::rendering::RenderRules;
use crate::domain::search::entry::SearchEntry;
use crate::domain::{
    ErrorClass, Failure, Format, KeptFile, Language, Location, Recording, Transcript, Warning,
    WrittenFile,
};
use crate::output::error::WriteError;
use crate::output::link::relative_link;
use crate::output::naming;
use crate::output::portable_name::NameForm;
use crate::output::render::{TranscriptMetadata, correct, render, search_entry};
use crate::output::rendered_file::RenderedFile;
use crate::output::target::{Target, TargetState};
use crate::output::write::{StagedFile, create_folder, rename_into_place};
use crate::pipeline::stages::save::names::{
    ChosenTarget, NameCandidates, Naming, OnEdited, write_failure,
};
use crate::policy::result_warnings::{Finished, result_warnings};
use crate::provider::{Completed, ResultJson};
use crate::store::sqlite::outputs::{FileRecords, Replacement};
use crate::store::sqlite::queue::ReceivedJob;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, iter};

/// Folders for the transcripts of a recording: the preferred one, and those for a file system that rejects its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFolders {
    /// The preferred folder.
    pub preferred: PathBuf,
    /// The others, in order of preference. Empty if the name is portable.
    others: Vec<PathBuf>,
}

impl OutputFolders {
    /// Returns the folders for the transcripts of a recording.
    #[must_use]
    pub fn of(output: &OutputConfig, recording: &Recording) -> Self {
        let beside = match (output.layout, &recording.location) {
            (Layout::Beside, Location::File(path)) => path.parent().or(Some(Path::new("/"))),
            _ => None,
        };
        if let Some(preferred) = beside {
            return Self {
                preferred: preferred.to_owned(),
                others: Vec::new(),
            };
        }
        let source = match output.layout {
            Layout::Flat => "",
            Layout::Mirror | Layout::Beside => &*recording.source,
        };
        let folder =
            |form| naming::transcript_folder(&output.dir, source, &recording.relative, form);
        let first = form_of(output.names);
        let preferred = folder(first);
        let forms = NameForm::ALL.into_iter().filter(|form| *form > first);
        let mut others: Vec<_> = forms
            .map(folder)
            .filter(|other| *other != preferred)
            .collect();
        others.dedup();
        Self { preferred, others }
    }

    /// Returns all folders, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        iter::once(&self.preferred)
            .chain(&self.others)
            .map(PathBuf::as_path)
    }

    /// Returns all folders, the preferred one first.
    pub fn into_all(self) -> impl Iterator<Item = PathBuf> {
        iter::once(self.preferred).chain(self.others)
    }

    /// Creates the first folder that the file system accepts, and returns it. Blocks.
    fn create(&self) -> Result<&Path, WriteError> {
        let mut created = create_folder(&self.preferred).map(|()| self.preferred.as_path());
        for other in &self.others {
            match created {
                Err(error) if error.is_rejected_name() => {
                    created = create_folder(other).map(|()| other.as_path());
                }
                _ => break,
            }
        }
        created
    }
}

const fn form_of(names: Names) -> NameForm {
    match names {
        Names::Original => NameForm::Original,
        Names::Portable => NameForm::Portable,
    }
}

/// A result, rendered in the configured formats.
#[derive(Debug, Clone)]
pub struct RenderedFiles {
    /// Template and values for the file names.
    pub naming: Naming,
    /// Content of each file, in the order of the configured formats.
    pub files: Vec<(Format, RenderedFile)>,
    /// Findings about the transcript.
    pub findings: Findings,
}

/// Findings about a transcript, which the queue stores with its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Whether the recording contains no speech.
    pub silent: bool,
    /// Points that the user should check.
    pub warnings: Vec<Warning>,
    /// Entry of the search index.
    pub entry: Arc<SearchEntry>,
}

/// Renders a result in `formats`, for files in `folder`, with the names and replacements of `rules`. Formats that need times
/// are left out if the text has none.
///
/// # Errors
/// If the stored result is damaged.
pub fn render_files(
    received: &ReceivedJob,
    completed: Completed,
    folder: &Path,
    output: &OutputConfig,
    formats: &[Format],
    rules: &RenderRules,
) -> Result<RenderedFiles, Failure> {
    let envelope = envelope(received, folder);
    let warnings = warnings(received, &completed, formats);
    let (mut transcript, result) = completed.into_parts();
    let silent = transcript.is_silent();
    correct(&mut transcript, rules);
    let language = Language::of(transcript.language.as_deref(), &received.request);
    let findings = Findings {
        silent,
        warnings,
        entry: Arc::new(search_entry(received.job, &transcript, language)),
    };
    let formats = writable_formats(formats, &transcript);
    let result = match formats.contains(&Format::Json) {
        true => result.into_json().map_err(|_| damaged_result())?,
        false => ResultJson::default(),
    };
    let render = |format| {
        let options = &output.rendering;
        let file = render(format, &transcript, &result, &envelope, options);
        (format, file)
    };
    let files = formats.into_iter().map(render).collect();
    let naming = Naming {
        template: output.name.clone(),
        facts: facts(received, transcript.language.as_deref()),
        form: form_of(output.names),
    };
    Ok(RenderedFiles {
        naming,
        files,
        findings,
    })
}

/// Returns the failure of a result whose stored bytes are damaged.
pub(crate) fn damaged_result() -> Failure {
    Failure::new(ErrorClass::Output, "the stored result is damaged")
}

/// Returns the formats that can show the transcript. A transcript is not left without a file, unless none is wanted.
fn writable_formats(formats: &[Format], transcript: &Transcript) -> Vec<Format> {
    if formats.is_empty() || transcript.has_times() || transcript.is_silent() {
        return formats.to_vec();
    }
    let without_times = formats.iter().filter(|format| !format.needs_times());
    let formats: Vec<_> = without_times.copied().collect();
    if formats.is_empty() {
        vec![Format::Txt]
    } else {
        formats
    }
}

fn warnings(received: &ReceivedJob, completed: &Completed, formats: &[Format]) -> Vec<Warning> {
    result_warnings(&Finished {
        request: &received.request,
        measured_s: received.measured_s,
        transcript: &completed.transcript,
        extras: completed.extras,
        formats,
    })
}

fn facts(received: &ReceivedJob, detected: Option<&str>) -> TemplateValues {
    let language = Language::of(detected, &received.request);
    let date = match received.recording.location {
        Location::File(_) => Some(received.recording.revision.modified),
        Location::Url(_) => None,
    };
    TemplateValues::new(
        language.as_ref(),
        &received.recording.source,
        date,
        received.request.model(),
    )
}

fn envelope<'a>(received: &'a ReceivedJob, folder: &Path) -> TranscriptMetadata<'a> {
    let Recording {
        location,
        relative,
        revision,
        ..
    } = &received.recording;
    let (recording, audio, size_bytes) = match location {
        Location::File(path) => {
            let audio = relative_link(folder, path);
            (readable_path(relative), audio, Some(revision.size_bytes))
        }
        Location::Url(url) => (url.clone(), url.clone(), None),
    };
    TranscriptMetadata {
        source: &received.recording.source,
        recording_bytes: size_bytes.and_then(|_| path_bytes(relative)),
        recording,
        audio,
        sha256: received.hash.as_ref().map(|hash| &*hash.sha256),
        sound_hash: received
            .hash
            .as_ref()
            .and_then(|hash| hash.sound.as_deref()),
        size_bytes,
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
    /// A file that exists may be overwritten only if `records`, the records of this recording's files, show that its
    /// content was written by nightscribe. `on_edited` decides about a file with a record and other content. `reserve` is
    /// called with the paths of a candidate, and returns `false` if another result is being written to one of them.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn stage(
        received: &ReceivedJob,
        records: FileRecords,
        folders: &OutputFolders,
        rendered: RenderedFiles,
        on_edited: OnEdited,
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
            records,
            on_edited,
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
