//! The archive: transcripts on disk that the queue does not know.
//!
//! They exist after the state folder was lost, emptied, moved or restored from an older backup. Their recordings look new,
//! and must not be paid for again.
//!
//! - [`import`]: taking a transcript into the queue; `files_in_place`: taking over its files

mod files_in_place;
pub mod import;

use crate::config::{Layout, OutputConfig, StateConfig};
use crate::domain::readable_path::readable_path;
use crate::domain::{Format, Recording, Request};
use crate::output::envelope::read_metadata;
use crate::output::transcript_files::{Depth, TranscriptFile, find_transcripts, with_extension};
use crate::output::unrecorded::{UnrecordedTranscript, UnrecordedTranscripts};
use crate::pipeline::stages::save::staging::OutputFolders;
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

    /// Whether a transcript of the same content may exist, so that the recording is worth hashing.
    #[must_use]
    pub fn may_contain(&self, recording: &Recording) -> bool {
        self.found().transcripts.may_contain(recording)
    }

    /// Returns a transcript of the same content that was made with `request`, or with any if it is `None`.
    #[must_use]
    pub fn find(
        &self,
        recording: &Recording,
        sha256: &str,
        request: Option<&Request>,
    ) -> Option<UnrecordedTranscript> {
        let found = self.found();
        found.transcripts.find(recording, sha256, request).cloned()
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
