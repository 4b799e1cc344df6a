//! The archive: transcripts on disk that the queue does not know.
//!
//! They exist after the state folder was lost, emptied, moved or restored from an older backup. Their recordings look new,
//! and must not be paid for again.
//!
//! - [`import`]: reading a transcript for the queue; `files_in_place`: taking over its files
//! - [`importer`]: the import during a run

mod files_in_place;
pub mod import;
pub mod importer;

use crate::config::{Layout, OutputConfig, StateConfig};
use crate::domain::file_name::TemplateValues;
use crate::domain::readable_path::readable_path;
use crate::domain::{Format, PaidMark, Recording, RecordingHash, Request};
use crate::output::envelope::read_metadata;
use crate::output::transcript_files::{Depth, TranscriptFile, find_transcripts, with_extension};
use crate::output::unrecorded::{UnrecordedTranscript, UnrecordedTranscripts};
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of files that the database is asked about at once.
const BATCH: usize = 1000;

/// The transcripts on disk that the queue does not know.
pub struct Archive {
    output: OutputConfig,
    /// Folders without transcripts.
    skip: Vec<PathBuf>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// Folders that were searched.
    searched: HashSet<PathBuf>,
    transcripts: UnrecordedTranscripts,
    imports: ImportCount,
}

/// Number of results imported by this run.
#[derive(Debug, Default)]
struct ImportCount {
    total: u64,
    reported: u64,
    last_check: u64,
}

impl Archive {
    /// Searches the output folder, with all folders in it.
    ///
    /// Transcripts next to their recordings are not searched for here, but by [`search_folder_of`](Self::search_folder_of).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(
        output: OutputConfig,
        state: &StateConfig,
        store: &Store,
    ) -> Result<Self, StoreError> {
        let archive = Self {
            output,
            skip: vec![state.dir.clone()],
            found: Mutex::default(),
        };
        if archive.output.layout == Layout::Mirror {
            let root = archive.output.dir.clone();
            archive.search(store, root, Depth::Tree).await?;
        }
        Ok(archive)
    }

    /// Searches the folder for the transcripts of a recording, unless that was done.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search_folder_of(
        &self,
        store: &Store,
        recording: &Recording,
    ) -> Result<(), StoreError> {
        let folder = OutputFolders::of(&self.output, recording).preferred;
        if self.output.layout == Layout::Mirror || self.found().searched.contains(&folder) {
            return Ok(());
        }
        self.search(store, folder.clone(), Depth::Folder).await?;
        self.found().searched.insert(folder);
        Ok(())
    }

    async fn search(&self, store: &Store, folder: PathBuf, depth: Depth) -> Result<(), StoreError> {
        let skip = self.skip.clone();
        let files = blocking(move || find_transcripts(&folder, depth, &skip)).await;
        let mut unrecorded = Vec::new();
        for batch in files.chunks(BATCH) {
            unrecorded.extend(unrecorded_files(store, batch).await?);
        }
        let transcripts = blocking(move || read_transcripts(unrecorded)).await;
        let mut found = self.found();
        for transcript in transcripts {
            found.transcripts.insert(transcript);
        }
        Ok(())
    }

    /// Whether transcripts exist that the queue does not know. Those next to recordings count before they are searched for.
    #[must_use]
    pub fn may_have_transcripts(&self) -> bool {
        self.output.layout == Layout::Beside || !self.found().transcripts.is_empty()
    }

    /// Returns the evidence that a recording is paid for, although no result of it can be imported. `hash` is that of the
    /// recording, if it is known.
    ///
    /// A transcript counts if it has the name of the recording and no envelope, or if it was made of the same content with
    /// another model or other options. Transcripts that are gone do not count.
    pub async fn evidence(
        &self,
        recording: &Recording,
        request: &Request,
        hash: Option<&RecordingHash>,
    ) -> Option<PaidMark> {
        loop {
            let (mark, transcript) = self.evidence_in_memory(recording, request, hash)?;
            let (stem, formats) = (transcript.stem.clone(), transcript.formats);
            let is_there = blocking(move || {
                let mut formats = formats.into_iter();
                formats.any(|format| with_extension(&stem, format).exists())
            });
            if is_there.await {
                return Some(mark);
            }
            self.found().transcripts.remove(&transcript.stem);
        }
    }

    fn evidence_in_memory(
        &self,
        recording: &Recording,
        request: &Request,
        hash: Option<&RecordingHash>,
    ) -> Option<(PaidMark, UnrecordedTranscript)> {
        let found = self.found();
        if found.transcripts.is_empty() {
            return None;
        }
        let same_content = hash.and_then(|hash| found.transcripts.find(recording, hash, None));
        if let Some(transcript) = same_content {
            return Some((PaidMark::Transcribed, transcript.clone()));
        }
        let folders: Vec<_> = OutputFolders::of(&self.output, recording)
            .into_all()
            .collect();
        let modified = Some(recording.revision.modified);
        let facts = TemplateValues::new(None, &recording.source, modified, request.model());
        let template = &self.output.name;
        let transcripts = &found.transcripts;
        let of_name = folders
            .iter()
            .flat_map(|folder| transcripts.of_name(folder, recording, template, &facts));
        let evidence = of_name.filter_map(|transcript| {
            let mark = match &transcript.envelope {
                Some(envelope) if envelope.is_of_other_content(recording, hash) => {
                    PaidMark::Changed
                }
                None if !self.is_ours(transcript) => return None,
                _ => PaidMark::Transcribed,
            };
            Some((mark, transcript.clone()))
        });
        // A transcript of the present content counts more than one of an earlier version.
        evidence.max_by_key(|(mark, _)| *mark == PaidMark::Transcribed)
    }

    /// Whether a file without an envelope may be a transcript of nightscribe. Recordings may have other files next to them,
    /// so there it must be in a configured format.
    fn is_ours(&self, transcript: &UnrecordedTranscript) -> bool {
        let mut formats = self.output.formats.iter();
        self.output.layout == Layout::Mirror
            || formats.any(|format| transcript.formats.contains(format))
    }

    /// Whether a transcript of the same content may exist, so that the recording is worth hashing.
    #[must_use]
    pub fn may_contain(&self, recording: &Recording) -> bool {
        self.found().transcripts.may_contain(recording)
    }

    /// Returns a transcript of the same content or sound that was made with `request`, or with any if it is `None`.
    #[must_use]
    pub fn find(
        &self,
        recording: &Recording,
        hash: &RecordingHash,
        request: Option<&Request>,
    ) -> Option<UnrecordedTranscript> {
        let found = self.found();
        found.transcripts.find(recording, hash, request).cloned()
    }

    /// Counts the import of a transcript, which the queue now knows.
    pub fn record_import(&self, stem: &Path) {
        let mut found = self.found();
        found.transcripts.remove(stem);
        found.imports.total += 1;
    }

    /// Returns the number of imports to report, once no more have come since the last call, or at the end.
    #[must_use]
    pub fn imports_to_report(&self, at_end: bool) -> Option<u64> {
        let imports = &mut self.found().imports;
        let is_settled = imports.last_check == imports.total || at_end;
        imports.last_check = imports.total;
        let count = imports.total - imports.reported;
        if count == 0 || !is_settled {
            return None;
        }
        imports.reported = imports.total;
        Some(count)
    }

    /// Returns the transcripts that no recording was found for.
    #[must_use]
    pub fn remaining(&self) -> Vec<UnrecordedTranscript> {
        self.found().transcripts.iter().cloned().collect()
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn unrecorded_files(
    store: &Store,
    files: &[TranscriptFile],
) -> Result<Vec<TranscriptFile>, StoreError> {
    let paths: Vec<_> = files.iter().map(TranscriptFile::path).collect();
    let unrecorded = store.unrecorded(&paths).await?.into_iter();
    Ok(unrecorded.map(|index| files[index].clone()).collect())
}

/// Groups files by transcript, and reads their envelopes. Blocks.
fn read_transcripts(files: Vec<TranscriptFile>) -> Vec<UnrecordedTranscript> {
    let mut formats: BTreeMap<PathBuf, BTreeSet<Format>> = BTreeMap::new();
    for file in files {
        formats.entry(file.stem).or_default().insert(file.format);
    }
    let read = |(stem, formats): (PathBuf, BTreeSet<Format>)| {
        UnrecordedTranscript {
        envelope: formats
            .contains(&Format::Json)
            .then(|| {
                let path = with_extension(&stem, Format::Json);
                read_metadata(&path).unwrap_or_else(|error| {
                tracing::warn!(error = %error, path = readable_path(&path), "cannot read a transcript");
                None
            })
            })
            .flatten(),
        stem,
        formats,
    }
    };
    formats.into_iter().map(read).collect()
}

async fn blocking<T: Send + Default + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // A panic in the search must not keep a run from its work. Nothing is then found.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}
