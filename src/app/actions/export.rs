//! Writes transcripts again from stored results, without contacting the service.

use crate::app::actions::export_answer::{answer_paths, write_answer};
use crate::app::actions::export_changed::{formats_in, keep_changed};
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::config::OutputConfig;
use crate::domain::format::Format;
use crate::domain::readable_path::readable_path;
use crate::domain::rendering::RenderRules;
use crate::domain::{Failure, JobId, JobState, KeptFile, Warning, WrittenFile};
use crate::output::staging_file::remove_staging_files;
use crate::output::target::Content;
use crate::output::write::sync_folder;
use crate::pipeline::lock::Lock;
use crate::pipeline::stages::save::names::{OnEdited, write_failure};
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stages::save::staging::{
    OutputFolders, PlacedFiles, StagedFiles, render_files,
};
use crate::provider::Completed;
use crate::provider::body::Body;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::{Store, StoreError};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Outcome of exporting one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportOutcome {
    /// Its files were written.
    Written {
        /// Paths of the files.
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

/// The files of an item that are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFiles {
    /// Those of these formats.
    Formats(Vec<Format>),
    /// Those that were written before and would be written differently now.
    Changed,
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

    /// Writes the files of one item, and records them.
    ///
    /// A crash in between leaves new files without a record, and replaced files with a record of both contents.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn export(&mut self, item: JobId) -> Result<ExportOutcome, AppError> {
        if let Some(outcome) = self.export_answer(item).await? {
            return Ok(outcome);
        }
        let (staged, changed) = match self.stage(item).await? {
            Ok(Some(staged)) => staged,
            Ok(None) => return Ok(ExportOutcome::Unchanged),
            Err(reason) => return Ok(ExportOutcome::Refused { reason }),
        };
        let replacements: Vec<_> = staged.replacements().collect();
        if !replacements.is_empty() {
            self.store.record_replacing(replacements).await?;
        }
        match place(staged) {
            Ok(placed) => self.record(item, placed, changed.as_deref()).await,
            Err(failure) => Ok(ExportOutcome::Refused {
                reason: failure.message,
            }),
        }
    }

    /// Writes the stored answer of a failed item as it was received. `None` if it has none.
    async fn export_answer(&self, item: JobId) -> Result<Option<ExportOutcome>, AppError> {
        let is_wanted = matches!(self.files, ExportFiles::Formats(_));
        let found = self.store.item(item).await?.filter(|_| is_wanted);
        let Some(found) = found.filter(|found| found.state == JobState::Failed) else {
            return Ok(None);
        };
        let Some(answer) = self.store.kept_answer(item).await? else {
            return Ok(None);
        };
        let paths = answer_paths(&self.output, &found);
        Ok(Some(match write_answer(&paths, &answer.body) {
            Ok(path) => ExportOutcome::Written {
                files: vec![path],
                kept: Vec::new(),
            },
            Err(failure) => ExportOutcome::Refused {
                reason: failure.message,
            },
        }))
    }

    /// Renders an item and writes its staging files. Returns `None` if no file changes, and the reason if this is not possible.
    /// If only changed files are wanted, their contents are returned, too.
    async fn stage(&mut self, item: JobId) -> Result<Result<Staged, String>, AppError> {
        let no_result = || Ok(Err("no result is stored".to_owned()));
        let Some(received) = self.store.with_result(item).await? else {
            return no_result();
        };
        let Some(packed) = self.store.results(&[item]).await?.remove(&item) else {
            return no_result();
        };
        let records = self.store.outputs_of(&[received.recording_id]).await?;
        let records = records.into_values().next().unwrap_or_default();
        let folders = OutputFolders::of(&self.output, &received.recording);
        let formats = match &self.files {
            ExportFiles::Formats(formats) => formats.clone(),
            ExportFiles::Changed => formats_in(folders.iter(), &self.store.outputs(item).await?),
        };
        if formats.is_empty() {
            return Ok(Ok(None));
        }
        let rules = match self.rules_for(&received).await? {
            Ok(rules) => rules,
            Err(problem) => return Ok(Err(problem)),
        };
        for folder in folders.iter() {
            if self.tidied.insert(folder.to_owned()) {
                tidy(self.session, folder);
            }
        }
        let completed = Body::from_stored(packed.into_packed())
            .and_then(Completed::from_body)
            .map_err(|_| StoreError::Content { column: "raw" })?;
        let rendered = render_files(
            &received,
            completed,
            &folders.preferred,
            &self.output,
            &formats,
            &rules,
        );
        let mut rendered = match rendered {
            Ok(rendered) => rendered,
            Err(failure) => return Ok(Err(failure.message)),
        };
        let is_requested = |(format, _): &(Format, Vec<u8>)| formats.contains(format);
        if !rendered.files.iter().any(is_requested) {
            return Ok(Err(Warning::NoTimes.message().to_owned()));
        }
        let is_partial = self.files == ExportFiles::Changed;
        let changed = is_partial.then(|| keep_changed(&mut rendered.files, &records));
        if rendered.files.is_empty() {
            return Ok(Ok(None));
        }
        let staged = StagedFiles::stage(
            &received,
            records,
            &folders,
            rendered,
            self.on_edited,
            no_reservations,
        );
        Ok(staged
            .map(|staged| Some((staged, changed)))
            .map_err(|failure| failure.message))
    }

    /// Returns the names and replacements for an item. If some cannot be read, its files would lose what they have, so that
    /// changed files are not known.
    async fn rules_for(
        &self,
        received: &ReceivedJob,
    ) -> Result<Result<RenderRules, String>, AppError> {
        let mut found = self.rules.find(&received.recording);
        match found.problem {
            Some(problem) if self.files == ExportFiles::Changed => return Ok(Err(problem)),
            Some(problem) => {
                tracing::warn!(problem = %problem, "a transcript is written without some names or replacements");
            }
            None => {}
        }
        let names = self.store.speaker_names(&[received.recording_id]).await?;
        let names = names.into_values().next().unwrap_or_default();
        found.rules.speakers.extend(names);
        Ok(Ok(found.rules))
    }

    async fn record(
        &self,
        item: JobId,
        placed: PlacedFiles,
        changed: Option<&[Content]>,
    ) -> Result<ExportOutcome, AppError> {
        let PlacedFiles { written, kept, .. } = placed;
        let is_changed = |file: &&WrittenFile| {
            changed.is_none_or(|changed| changed.iter().any(|one| one.sha256 == file.sha256))
        };
        let files = written.iter().filter(is_changed);
        let files = files.map(|file| file.path.clone()).collect();
        let now = self.session.now();
        self.store.record_export(item, written, now).await?;
        Ok(ExportOutcome::Written { files, kept })
    }

    /// Closes the queue.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Staging files, with the changed contents among them if only those are wanted. `None` if no file changes.
type Staged = Option<(StagedFiles, Option<Vec<Content>>)>;

/// Exports run one after another, so no other job reserves a path.
const fn no_reservations(_: &[PathBuf]) -> bool {
    true
}

/// Syncs staging files and renames them into place.
fn place(staged: StagedFiles) -> Result<PlacedFiles, Failure> {
    staged.sync()?;
    let folder = staged.folder().to_owned();
    let placed = staged.commit(no_reservations)?;
    sync_folder(&folder).map_err(|error| write_failure(&error))?;
    Ok(placed)
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
