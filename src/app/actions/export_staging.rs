//! Rendering of stored results, and writing of their staging files.

use crate::app::actions::export_changed::keep_changed;
use crate::config::OutputConfig;
use crate::domain::rendering::RenderRules;
use crate::domain::search::entry::SearchEntry;
use crate::domain::{ErrorClass, Failure, Format, Warning};
use crate::output::rendered_file::RenderedFile;
use crate::output::target::Content;
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::pipeline::stages::save::names::{EarlierFiles, OnEdited};
use crate::pipeline::stages::save::placed::catch_panic;
use crate::pipeline::stages::save::rendering::{
    Findings, RenderSettings, damaged_result, render_files,
};
use crate::pipeline::stages::save::reservations::Reservations;
use crate::pipeline::stages::save::staging::StagedFiles;
use crate::provider::Completed;
use crate::store::sqlite::outputs::FileRecords;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::results::CompressedResult;
use std::path::PathBuf;
use std::sync::Arc;

/// A stored result, and what is needed to write its files.
pub(super) struct StoredResult {
    pub(super) received: ReceivedJob,
    pub(super) packed: CompressedResult,
    /// Records of the files written for its recording before.
    pub(super) records: FileRecords,
    pub(super) folders: OutputFolders,
    pub(super) formats: Vec<Format>,
    pub(super) rules: RenderRules,
}

/// How files are staged.
pub(super) struct Staging {
    pub(super) output: OutputConfig,
    /// Whether only changed files are written.
    pub(super) is_partial: bool,
    pub(super) on_edited: OnEdited,
    pub(super) reservations: Arc<Reservations>,
}

/// Outcome of staging the files of a result.
pub(super) struct StagedExport {
    pub(super) received: ReceivedJob,
    /// Entry of the search index, and staging files. No files if none changes.
    pub(super) outcome: Result<(Arc<SearchEntry>, Option<ExportedFiles>), Failure>,
}

/// Staging files of a result.
pub(super) struct ExportedFiles {
    pub(super) staged: StagedFiles,
    pub(super) findings: Findings,
    /// Changed contents among them, if only those are wanted.
    pub(super) changed: Option<Vec<Content>>,
}

impl Staging {
    /// Renders a result and writes its staging files. Blocks.
    pub(super) fn stage(&self, stored: StoredResult) -> StagedExport {
        let received = stored.received.clone();
        StagedExport {
            outcome: catch_panic(|| self.try_stage(stored)),
            received,
        }
    }

    fn try_stage(
        &self,
        stored: StoredResult,
    ) -> Result<(Arc<SearchEntry>, Option<ExportedFiles>), Failure> {
        let StoredResult {
            received,
            packed,
            records,
            folders,
            formats,
            rules,
        } = stored;
        let completed =
            Completed::from_stored(packed.into_packed()).map_err(|_| damaged_result())?;
        let settings = RenderSettings {
            output: &self.output,
            formats: &formats,
            rules: &rules,
        };
        let mut rendered = render_files(&received, completed, &folders.preferred, settings)?;
        let is_requested = |(format, _): &(Format, RenderedFile)| formats.contains(format);
        if !rendered.files.iter().any(is_requested) {
            return Err(Failure::new(ErrorClass::Output, Warning::NoTimes.message()));
        }
        let changed = self
            .is_partial
            .then(|| keep_changed(&mut rendered.files, &records));
        let changed = changed.transpose().map_err(|_| damaged_result())?;
        let findings = rendered.findings.clone();
        let entry = findings.entry.clone();
        if rendered.files.is_empty() {
            return Ok((entry, None));
        }
        let reserve = |paths: &[PathBuf]| self.reservations.reserve(received.job, paths);
        let earlier = EarlierFiles {
            records,
            on_edited: self.on_edited,
        };
        let staged = StagedFiles::stage(&received, earlier, &folders, rendered, reserve)?;
        let files = ExportedFiles {
            staged,
            findings,
            changed,
        };
        Ok((entry, Some(files)))
    }
}
