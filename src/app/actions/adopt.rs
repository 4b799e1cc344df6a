//! Takes transcripts on disk into the queue.

use crate::app::error::AppError;
use crate::app::scan::scan_sources;
use crate::app::session::Session;
use crate::domain::readable_path::{readable_path, serialize_paths};
use crate::domain::{Format, Hold, JobId, Location, RecordingIdentity};
use crate::media::recording_hash;
use crate::output::transcript_files::with_extension;
use crate::output::unrecorded::UnrecordedTranscript;
use crate::pipeline::archive::Archive;
use crate::pipeline::archive::import::read_import;
use crate::pipeline::event::Observer;
use crate::pipeline::source_holds::judge;
use crate::store::sqlite::import::Import;
use crate::store::sqlite::queue::Candidate;
use crate::store::{Store, StoreError};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// Outcome of adopting a folder of transcripts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Adopted {
    /// Number of results taken into the queue.
    pub results: u64,
    /// Files whose recording is not found, or has changed.
    #[serde(serialize_with = "serialize_paths")]
    pub unmatched: Vec<PathBuf>,
    /// Files that contain no result of the service.
    #[serde(serialize_with = "serialize_paths")]
    pub without_result: Vec<PathBuf>,
    /// Holds of sources whose other recordings still look paid for.
    pub holds: Vec<Hold>,
}

/// Scans the sources, and takes the transcripts in `dir` into the queue whose recordings are found there. By default, `dir`
/// is the configured output folder. The events of the scan go to `observer`.
///
/// Nothing is submitted. Calling it again changes nothing. After a crash, the results taken over so far remain.
///
/// # Errors
/// If `dir` does not exist, there is no configuration file, or the database fails.
pub async fn adopt(
    session: &Session,
    dir: Option<&Path>,
    observer: &dyn Observer,
) -> Result<Adopted, AppError> {
    let output = session.output_in(dir);
    if dir.is_some() && !output.dir.try_exists()? {
        return Err(AppError::NoFolder(output.dir));
    }
    let store = session.store().await?;
    scan_sources(session, &store, observer).await?;
    let adopter = Adopter {
        session,
        archive: Archive::load(output, &session.config.state, &store).await?,
        store: &store,
    };
    let results = adopter.adopt_all().await?;
    let held = store.source_holds().await?.into_iter();
    for source in held.filter_map(|hold| hold.source) {
        judge(&store, &source, session.now(), |_| None).await?;
    }
    let holds = store.source_holds().await?;
    let (unmatched, without_result) = adopter
        .archive
        .remaining()
        .into_iter()
        .partition::<Vec<_>, _>(|transcript| transcript.envelope.is_some());
    store.close().await;
    Ok(Adopted {
        results,
        unmatched: unmatched.iter().map(first_file).collect(),
        without_result: without_result.iter().map(first_file).collect(),
        holds,
    })
}

struct Adopter<'a> {
    session: &'a Session,
    archive: Archive,
    store: &'a Store,
}

impl Adopter<'_> {
    async fn adopt_all(&self) -> Result<u64, StoreError> {
        let mut results = 0;
        for source in &self.session.config.sources {
            let first = JobId(0);
            let queued = self.store.queued_files(&source.name, first, usize::MAX);
            for file in queued.await? {
                match self.adopt_one(&file.candidate).await {
                    Ok(adopted) => results += u64::from(adopted),
                    // A run works on it.
                    Err(StoreError::Stale) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(results)
    }

    /// Takes over the result of a recording. Returns whether there is one.
    async fn adopt_one(&self, candidate: &Candidate) -> Result<bool, StoreError> {
        let recording = &candidate.recording;
        self.archive.search_folder_of(self.store, recording).await?;
        let Location::File(path) = &recording.location else {
            return Ok(false);
        };
        if !self.archive.may_contain(recording) {
            return Ok(false);
        }
        let Some(hash) = readable(path, recording_hash::of_file(path)) else {
            return Ok(false);
        };
        let request = Some(&candidate.job.request);
        // The recording is paid for, even if it was transcribed with another model.
        let found = self.archive.find(recording, &hash, request);
        let found = found.or_else(|| self.archive.find(recording, &hash, None));
        let Some(transcript) = found else {
            return Ok(false);
        };
        let identity = RecordingIdentity {
            hash: Some(hash),
            sound_key: readable(path, recording_hash::key_of_file(path)).flatten(),
        };
        let Some(import) = self.read(candidate, identity, &transcript) else {
            return Ok(false);
        };
        self.store.import(import).await?;
        self.archive.record_import(&transcript.stem);
        Ok(true)
    }

    fn read(
        &self,
        candidate: &Candidate,
        identity: RecordingIdentity,
        transcript: &UnrecordedTranscript,
    ) -> Option<Import> {
        let output = &self.session.config.output;
        let now = self.session.now();
        let import = read_import(
            candidate.job.id,
            &candidate.recording,
            identity,
            transcript,
            output,
            now,
        );
        readable(&transcript.stem, import).flatten()
    }
}

/// Returns what was read, or logs why `path` cannot be read.
fn readable<T>(path: &Path, read: io::Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        tracing::warn!(error = %error, path = readable_path(path), "cannot be read; left out");
    })
    .ok()
}

/// Returns the file that stands for a transcript in several formats: that with the result, if there is one.
fn first_file(transcript: &UnrecordedTranscript) -> PathBuf {
    let formats = &transcript.formats;
    let result = formats.get(&Format::Json).or_else(|| formats.first());
    result.map_or_else(
        || transcript.stem.clone(),
        |&format| with_extension(&transcript.stem, format),
    )
}
