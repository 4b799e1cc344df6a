//! Rendering of loaded results, and their staging files.

use super::Save;
use super::batch::is_large;
use super::folders::OutputFolders;
use super::load::UnsavedResult;
use super::names::{EarlierFiles, OnEdited};
use super::placed::catch_panic;
use super::rendering::{RenderSettings, RenderedFiles, render_files};
use super::reservations::Reservations;
use super::staging::{StagedFiles, StagedResult};
use crate::config::OutputConfig;
use crate::domain::Failure;
use crate::runtime::blocking::{CPU_THREADS, map_blocking};
use crate::runtime::large_jobs;
use crate::store::sqlite::outputs::FileRecords;
use crate::store::sqlite::queue::ReceivedJob;
use futures_util::future::join_all;
use std::path::PathBuf;
use std::sync::Arc;

impl Save {
    /// Renders the results and writes their staging files.
    pub(super) async fn stage_all(
        &self,
        unsaved: Vec<UnsavedResult>,
        reservations: &Arc<Reservations>,
    ) -> Vec<StagedResult> {
        let (output, reservations) = (Arc::new(self.output.clone()), reservations.clone());
        match &unsaved[..] {
            // The thread for large jobs only renders. A write to a hung disk would block it for all other jobs.
            [result] if is_large(&result.received) => {
                let rendered = unsaved.into_iter().map(move |result| {
                    let output = output.clone();
                    large_jobs::run(move || render(result, &output))
                });
                let rendered = join_all(rendered).await.into_iter().flatten();
                map_blocking(CPU_THREADS, rendered, move |result| {
                    write_staging_files(result, &reservations)
                })
                .await
            }
            _ => {
                let render_and_write =
                    move |result| write_staging_files(render(result, &output), &reservations);
                map_blocking(CPU_THREADS, unsaved, render_and_write).await
            }
        }
    }
}

/// A result with the content of its files, or the failure.
struct RenderedResult {
    received: ReceivedJob,
    records: FileRecords,
    folders: OutputFolders,
    rendered: Result<RenderedFiles, Failure>,
}

fn render(unsaved: UnsavedResult, output: &OutputConfig) -> RenderedResult {
    let UnsavedResult {
        received,
        result,
        records,
        rules,
    } = unsaved;
    let folders = OutputFolders::of(output, &received.recording);
    let rendered = catch_panic(|| {
        let settings = RenderSettings {
            output,
            formats: &output.formats,
            rules: &rules,
        };
        render_files(&received, result.parse()?, &folders.preferred, settings)
    });
    RenderedResult {
        received,
        records,
        folders,
        rendered,
    }
}

/// Writes the staging files of one result. Blocks.
fn write_staging_files(result: RenderedResult, reservations: &Reservations) -> StagedResult {
    let RenderedResult {
        received,
        records,
        folders,
        rendered,
    } = result;
    let outcome = catch_panic(|| {
        let rendered = rendered?;
        let findings = rendered.findings.clone();
        let reserve = |paths: &[PathBuf]| reservations.reserve(received.job, paths);
        let earlier = EarlierFiles {
            records,
            on_edited: OnEdited::Keep,
        };
        let staging = StagedFiles::stage(&received, earlier, &folders, rendered, reserve)?;
        Ok((staging, findings))
    });
    StagedResult { received, outcome }
}
