//! Writes transcripts again from stored results, without contacting the service.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::config::{Layout, OutputConfig};
use crate::domain::format::{Format, FormatSelection};
use crate::domain::{Failure, JobId};
use crate::output::staging_file::remove_staging_files;
use crate::output::write::sync_folder;
use crate::pipeline::lock::Lock;
use crate::pipeline::stages::save::staging::{
    RenderedFiles, StagedFiles, output_folder, render_files, write_failure,
};
use crate::provider::Completed;
use crate::store::Store;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::transitions::WrittenFile;
use serde::Serialize;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Outcome of exporting one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportOutcome {
    /// Its files were written.
    Written {
        /// Paths of the files.
        files: Vec<PathBuf>,
    },
    /// No file was written.
    Refused {
        /// Reason, as a lowercase fragment.
        reason: String,
    },
}

/// Export of stored results to one output folder, in the same formats.
pub struct Exporter<'a> {
    session: &'a Session,
    store: Store,
    output: OutputConfig,
    formats: Vec<Format>,
    /// Folders whose leftover staging files were removed.
    tidied: BTreeSet<PathBuf>,
}

impl<'a> Exporter<'a> {
    /// Opens the queue. Files are written to `dir`, by default to the configured output folder.
    ///
    /// # Errors
    /// If no queue exists, or it cannot be opened.
    pub async fn open(
        session: &'a Session,
        dir: Option<&Path>,
        formats: &[FormatSelection],
    ) -> Result<Self, AppError> {
        let store = session.existing_store().await?;
        let configured = session.config.output.clone();
        let output = match dir {
            Some(dir) => OutputConfig {
                dir: session.environment.working_dir.join(dir),
                layout: Layout::Mirror,
                ..configured
            },
            None => configured,
        };
        Ok(Self {
            session,
            store: store.ok_or(AppError::NoResults)?,
            output,
            formats: FormatSelection::distinct(formats),
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

    /// Writes the files of one item, and records them. A crash in between leaves the files unrecorded.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn export(&mut self, item: JobId) -> Result<ExportOutcome, AppError> {
        let no_result = || ExportOutcome::Refused {
            reason: "no result is stored".to_owned(),
        };
        let Some(received) = self.store.with_result(item).await? else {
            return Ok(no_result());
        };
        let Some(packed) = self.store.results(&[item]).await?.remove(&item) else {
            return Ok(no_result());
        };
        let ours = self.store.outputs_of(&[received.recording_id]).await?;
        let folder = output_folder(&self.output, &received);
        if self.tidied.insert(folder.clone()) {
            tidy(self.session, &folder);
        }
        let rendered = render_files(
            &received,
            &Completed::from_raw(packed.unpack()?),
            &folder,
            &self.output.name,
            &self.formats,
        );
        let ours = ours.into_values().next().unwrap_or_default();
        match write(&received, ours, &folder, rendered) {
            Ok(files) => self.record(item, files).await,
            Err(failure) => Ok(ExportOutcome::Refused {
                reason: failure.message,
            }),
        }
    }

    async fn record(
        &self,
        item: JobId,
        files: Vec<WrittenFile>,
    ) -> Result<ExportOutcome, AppError> {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let now = self.session.now();
        self.store.record_export(item, files, now).await?;
        Ok(ExportOutcome::Written { files: paths })
    }

    /// Closes the queue.
    pub async fn close(self) {
        self.store.close().await;
    }
}

fn write(
    received: &ReceivedJob,
    ours: HashSet<PathBuf>,
    folder: &Path,
    rendered: RenderedFiles,
) -> Result<Vec<WrittenFile>, Failure> {
    // Exports run one after another, so no other job reserves a path.
    let is_free = |_: &[PathBuf]| true;
    let placing = StagedFiles::stage(received, ours, folder.to_owned(), rendered, is_free)?;
    placing.sync()?;
    let files = placing.commit(is_free)?;
    sync_folder(folder).map_err(|error| write_failure(&error))?;
    Ok(files)
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
        tracing::warn!(error = %error, folder = %folder.display(), "cannot remove leftover staging files");
    }
}
