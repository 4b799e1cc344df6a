//! Writes transcripts again from stored results, without contacting the service.

use crate::app::actions::export_answer::{answer_paths, write_answer};
use crate::app::actions::export_changed::formats_in;
use crate::app::actions::export_staging::{StagedExport, Staging, StoredResult};
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::config::OutputConfig;
use crate::domain::format::Format;
use crate::domain::readable_path::{readable_path, serialize_paths};
use crate::domain::rendering::RenderRules;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::{Failure, JobId, JobState, KeptFile, WrittenFile};
use crate::output::staging_file::remove_staging_files;
use crate::output::target::Content;
use crate::pipeline::lock::Lock;
use crate::pipeline::stages::save::batch::{BatchSize, max_results};
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::pipeline::stages::save::names::OnEdited;
use crate::pipeline::stages::save::placed::{SavedResult, internal_failure, place_all};
use crate::pipeline::stages::save::reservations::Reservations;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stages::save::staging::{PlacedFiles, StagedResult};
use crate::pipeline::stages::save::sync::sync_staged;
use crate::runtime::blocking::{CPU_THREADS, map_blocking};
use crate::store::Store;
use crate::store::sqlite::queue::ReceivedJob;
use futures_util::future::join_all;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Outcome of exporting one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportOutcome {
    /// Its files were written.
    Written {
        /// Paths of the files.
        #[serde(serialize_with = "serialize_paths")]
        files: Vec<PathBuf>,
        /// Edited files that were kept.
        kept: Vec<KeptFile>,
    },
    /// Its files would be the same.
    Unchanged,
    /// No file was written.
    Refused {
        /// Reason, as a lowercase fragment.
        reason: String,
    },
}

impl ExportOutcome {
    fn no_result() -> Self {
        Self::Refused {
            reason: "no result is stored; `nightscribe show` says why".to_owned(),
        }
    }
}

impl From<Failure> for ExportOutcome {
    fn from(failure: Failure) -> Self {
        Self::Refused {
            reason: failure.message,
        }
    }
}

/// The files of an item that are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFiles {
    /// Those of these formats.
    Formats(Vec<Format>),
    /// Those that were written before and would be written differently now.
    Changed,
}

impl ExportFiles {
    /// Returns the maximum number of files of an item.
    const fn max_formats(&self) -> usize {
        match self {
            Self::Formats(formats) => formats.len(),
            Self::Changed => Format::ALL.len(),
        }
    }
}

/// Export of stored results to one output folder.
pub struct Exporter<'a> {
    session: &'a Session,
    store: Store,
    output: OutputConfig,
    files: ExportFiles,
    on_edited: OnEdited,
    rules: RuleBook,
    /// Folders whose leftover staging files were removed.
    tidied: BTreeSet<PathBuf>,
}

impl<'a> Exporter<'a> {
    /// Opens the queue. Files are written to `dir`, by default to the configured output folder. Files that were edited
    /// are kept, unless `on_edited` says otherwise.
    ///
    /// # Errors
    /// If no queue exists, or it cannot be opened.
    pub async fn open(
        session: &'a Session,
        dir: Option<&Path>,
        files: ExportFiles,
        on_edited: OnEdited,
    ) -> Result<Self, AppError> {
        let store = session.existing_store().await?;
        Ok(Self {
            session,
            store: store.ok_or(AppError::NoResults)?,
            output: session.output_in(dir),
            files,
            on_edited,
            rules: RuleBook::new(&session.config.sources),
            tidied: BTreeSet::new(),
        })
    }

    /// Returns all items that have a result.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items(&self) -> Result<Vec<JobId>, AppError> {
        Ok(self.store.jobs_with_result().await?)
    }

    /// Returns whether there is an item of this ID.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn exists(&self, item: JobId) -> Result<bool, AppError> {
        Ok(!self.store.items_of(&[item]).await?.is_empty())
    }

    /// Writes the files of the first of `items`, as many as fit a batch, and records them. Returns the outcomes of these
    /// items, in order: at least one unless `items` is empty.
    ///
    /// A crash in between leaves new files without a record, and replaced files with a record of both contents.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn export(
        &mut self,
        items: &[JobId],
    ) -> Result<Vec<(JobId, ExportOutcome)>, AppError> {
        let items = &items[..items.len().min(max_results(self.files.max_formats()))];
        let batch = batch_of(items, self.store.with_results(items).await?);
        let (mut outcomes, mut received) = (HashMap::new(), Vec::new());
        for (item, found) in &batch {
            match found {
                Some(found) => received.push(found.clone()),
                None => _ = outcomes.insert(*item, self.export_answer(*item).await?),
            }
        }
        let loaded = self.load(received, &mut outcomes).await?;
        self.write(loaded, &mut outcomes).await?;
        let outcome_of = |(item, _)| {
            // The outcome of a thread that panicked is missing.
            let outcome = outcomes.remove(&item);
            (item, outcome.unwrap_or_else(|| internal_failure().into()))
        };
        Ok(batch.into_iter().map(outcome_of).collect())
    }

    /// Writes the stored answer of a failed item as it was received. Anything else without a result is refused.
    async fn export_answer(&self, item: JobId) -> Result<ExportOutcome, AppError> {
        let is_wanted = matches!(self.files, ExportFiles::Formats(_));
        let found = self.store.item(item).await?.filter(|_| is_wanted);
        let Some(found) = found.filter(|found| found.state == JobState::Failed) else {
            return Ok(ExportOutcome::no_result());
        };
        let Some(answer) = self.store.kept_answer(item).await? else {
            return Ok(ExportOutcome::no_result());
        };
        let paths = answer_paths(&self.output, &found);
        Ok(match write_answer(&paths, &answer.body) {
            Ok(path) => ExportOutcome::Written {
                files: vec![path],
                kept: Vec::new(),
            },
            Err(failure) => failure.into(),
        })
    }

    /// Loads what is needed to write the files of these jobs. Adds the outcomes of those for which nothing is written.
    async fn load(
        &mut self,
        received: Vec<ReceivedJob>,
        outcomes: &mut HashMap<JobId, ExportOutcome>,
    ) -> Result<Vec<StoredResult>, AppError> {
        let jobs: Vec<_> = received.iter().map(|one| one.job).collect();
        let recordings: Vec<_> = received.iter().map(|one| one.recording_id).collect();
        let mut packed = self.store.results(&jobs).await?;
        let mut records = self.store.outputs_of(&recordings).await?;
        let mut names = self.store.speaker_names(&recordings).await?;
        let mut loaded = Vec::new();
        for received in received {
            let (job, recording) = (received.job, received.recording_id);
            let folders = OutputFolders::of(&self.output, &received.recording);
            let formats = self.formats_of(job, &folders).await?;
            if formats.is_empty() {
                outcomes.insert(job, ExportOutcome::Unchanged);
                continue;
            }
            let rules = match self.rules_of(&received, names.remove(&recording)) {
                Ok(rules) => rules,
                Err(reason) => {
                    outcomes.insert(job, ExportOutcome::Refused { reason });
                    continue;
                }
            };
            let Some(packed) = packed.remove(&job) else {
                outcomes.insert(job, ExportOutcome::no_result());
                continue;
            };
            self.tidy(&folders);
            loaded.push(StoredResult {
                packed,
                records: records.remove(&recording).unwrap_or_default(),
                folders,
                formats,
                rules,
                received,
            });
        }
        Ok(loaded)
    }

    /// Returns the formats to write.
    async fn formats_of(
        &self,
        item: JobId,
        folders: &OutputFolders,
    ) -> Result<Vec<Format>, AppError> {
        Ok(match &self.files {
            ExportFiles::Formats(formats) => formats.clone(),
            ExportFiles::Changed => formats_in(folders.iter(), &self.store.outputs(item).await?),
        })
    }

    /// Returns the names and replacements of the source and the folders of an item, or why they are not known.
    ///
    /// If some cannot be read, the files would lose what they have, so it is not known which ones change.
    fn rules_of(
        &self,
        received: &ReceivedJob,
        names: Option<SpeakerNames>,
    ) -> Result<RenderRules, String> {
        let found = self.rules.find(&received.recording, names);
        match found.problem {
            Some(problem) if self.files == ExportFiles::Changed => Err(problem),
            _ => Ok(found.readable()),
        }
    }

    /// Removes staging files that a killed export left in `folders`, once for each folder.
    fn tidy(&mut self, folders: &OutputFolders) {
        for folder in folders.iter() {
            if self.tidied.insert(folder.to_owned()) {
                tidy(self.session, folder);
            }
        }
    }

    /// Writes the files, and syncs them and their folders together. Adds the outcomes.
    async fn write(
        &self,
        loaded: Vec<StoredResult>,
        outcomes: &mut HashMap<JobId, ExportOutcome>,
    ) -> Result<(), AppError> {
        let reservations = Arc::new(Reservations::default());
        let staging = Arc::new(Staging {
            output: self.output.clone(),
            is_partial: self.files == ExportFiles::Changed,
            on_edited: self.on_edited,
            reservations: reservations.clone(),
        });
        let staged = map_blocking(CPU_THREADS, loaded, move |stored| staging.stage(stored)).await;
        let (mut results, mut changed, mut entries) = (Vec::new(), HashMap::new(), Vec::new());
        for StagedExport { received, outcome } in staged {
            let outcome = outcome.map(|(entry, files)| {
                entries.push(entry);
                files
            });
            match outcome {
                Ok(Some(files)) => {
                    changed.insert(received.job, files.changed);
                    let outcome = Ok((files.staged, files.findings));
                    results.push(StagedResult { received, outcome });
                }
                Ok(None) => _ = outcomes.insert(received.job, ExportOutcome::Unchanged),
                Err(failure) => _ = outcomes.insert(received.job, failure.into()),
            }
        }
        let synced = sync_staged(results).await;
        let replacements: Vec<_> = synced.iter().flat_map(StagedResult::replacements).collect();
        if !replacements.is_empty() {
            self.store.record_replacing(replacements).await?;
        }
        let saved = place_all(synced, reservations).await.into_iter();
        let recorded = saved.map(|saved| {
            let changed = changed.remove(&saved.received.job).flatten();
            self.record(saved, changed)
        });
        for recorded in join_all(recorded).await {
            let (item, outcome) = recorded?;
            outcomes.insert(item, outcome);
        }
        if self.files == ExportFiles::Changed {
            self.store.refresh_entries(entries).await?;
        }
        Ok(())
    }

    async fn record(
        &self,
        saved: SavedResult,
        changed: Option<Vec<Content>>,
    ) -> Result<(JobId, ExportOutcome), AppError> {
        let item = saved.received.job;
        let PlacedFiles { written, kept, .. } = match saved.outcome {
            Ok(files) => files.placed,
            Err(failure) => return Ok((item, failure.into())),
        };
        let is_changed = |file: &&WrittenFile| {
            let sha256 = |one: &Content| one.sha256 == file.sha256;
            changed
                .as_ref()
                .is_none_or(|changed| changed.iter().any(sha256))
        };
        let files = written.iter().filter(is_changed);
        let files = files.map(|file| file.path.clone()).collect();
        let now = self.session.now();
        self.store.record_export(item, written, now).await?;
        Ok((item, ExportOutcome::Written { files, kept }))
    }

    /// Closes the queue.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Returns the first of `items` that fit a batch, each with its job if it has a result.
///
/// A second result of a recording has to wait, as it replaces the files of the first.
fn batch_of(
    items: &[JobId],
    mut stored: HashMap<JobId, ReceivedJob>,
) -> Vec<(JobId, Option<ReceivedJob>)> {
    let (mut size, mut recordings) = (BatchSize::default(), HashSet::new());
    let (mut listed, mut batch) = (HashSet::new(), Vec::new());
    for &item in items {
        if !listed.insert(item) {
            break;
        }
        let found = stored.remove(&item);
        let mut fits =
            |found: &ReceivedJob| size.add(found) && recordings.insert(found.recording_id);
        if found.as_ref().is_some_and(|found| !fits(found)) {
            break;
        }
        batch.push((item, found));
    }
    batch
}

/// Removes staging files that a killed export left in `folder`.
///
/// No runner removes them at its start, because no job waits for them. Does nothing while a runner is active, since the
/// files may be the runner's. A runner that starts at the same moment writes its files again.
fn tidy(session: &Session, folder: &Path) {
    if Lock::is_held(&session.config.state.dir) {
        return;
    }
    if let Err(error) = remove_staging_files(folder) {
        tracing::warn!(error = %error, folder = readable_path(folder), "cannot remove leftover staging files");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RecordingId;

    #[test]
    fn a_batch_has_each_item_and_each_recording_once() {
        let job = |id: i64, recording: i64| ReceivedJob {
            recording_id: RecordingId(recording),
            ..ReceivedJob::for_job(id)
        };
        let stored: HashMap<_, _> = [job(1, 1), job(2, 2), job(3, 1)]
            .map(|job| (job.job, job))
            .into();
        let batch = |ids: &[i64]| {
            let items: Vec<_> = ids.iter().map(|&id| JobId(id)).collect();
            let batch = batch_of(&items, stored.clone()).into_iter();
            batch
                .map(|(item, found)| (item.0, found.is_some()))
                .collect::<Vec<_>>()
        };
        assert_eq!(batch(&[2, 1, 3]), [(2, true), (1, true)]);
        assert_eq!(batch(&[9, 1]), [(9, false), (1, true)]);
        assert_eq!(batch(&[1, 1]), [(1, true)]);
        assert_eq!(batch(&[3]), [(3, true)]);
    }
}
