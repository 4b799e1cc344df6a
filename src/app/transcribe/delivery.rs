//! Text and files of a stored result.

use crate::app::actions::export::{ExportFiles, ExportOutcome, Exporter};
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::readable_path::serialize_paths;
use crate::domain::rendering::RenderRules;
use crate::domain::{ErrorClass, Failure, Format, JobId, JobState, KeptFile, Warning};
use crate::pipeline::stages::save::names::OnEdited;
use crate::pipeline::stages::save::rendering::{RenderSettings, damaged_result, render_files};
use crate::provider::Completed;
use crate::provider::models::shown_name;
use crate::store::Store;
use crate::store::sqlite::items::Item;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Outcome of a recording. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TranscribeOutcome {
    /// It has a transcript.
    Done(Transcribed),
    /// It failed.
    Failed {
        /// Its item.
        item: JobId,
        /// The failure.
        error: Failure,
    },
    /// It has no transcript yet. The same command goes on with it.
    Waiting {
        /// Its item.
        item: JobId,
        /// Its state.
        state: JobState,
        /// Last failure, if any.
        error: Option<Failure>,
    },
    /// It was not queued.
    Refused {
        /// Reason, as a lowercase fragment.
        reason: String,
    },
}

/// A transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Transcribed {
    /// Its item.
    pub item: JobId,
    /// Model.
    pub model: String,
    /// Duration in seconds, if known.
    pub duration_s: Option<f64>,
    /// Whether the recording contains no speech.
    pub silent: Option<bool>,
    /// Warnings about the transcript.
    pub warnings: Vec<Warning>,
    /// The transcript as plain text.
    pub text: String,
    /// Files that were written, or that have this content already.
    #[serde(serialize_with = "serialize_paths")]
    pub files: Vec<PathBuf>,
    /// Edited files that were kept.
    pub kept: Vec<KeptFile>,
}

/// Reads stored results, and writes their files.
pub struct Delivery<'a> {
    session: &'a Session,
    store: &'a Store,
    exporter: Option<Exporter<'a>>,
}

impl<'a> Delivery<'a> {
    /// Opens the queue. Files are written only if `writes_files`, as the session says.
    ///
    /// # Errors
    /// If the queue cannot be opened.
    pub async fn open(
        session: &'a Session,
        store: &'a Store,
        writes_files: bool,
    ) -> Result<Self, AppError> {
        let exporter = match writes_files {
            true => {
                let files = ExportFiles::Formats(session.config.output.formats.clone());
                Some(Exporter::open(session, None, files, OnEdited::Keep).await?)
            }
            false => None,
        };
        Ok(Self {
            session,
            store,
            exporter,
        })
    }

    /// Returns the outcome of an item. Writes the files of its transcript first, if any are wanted. Files that have the same
    /// content already are left.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn deliver(&mut self, item: &Item) -> Result<TranscribeOutcome, AppError> {
        let job = item.job.id;
        match (item.state, &item.error) {
            (JobState::Done, _) => {}
            (JobState::Failed, Some(error)) => {
                return Ok(TranscribeOutcome::Failed {
                    item: job,
                    error: error.clone(),
                });
            }
            (state, error) => {
                return Ok(TranscribeOutcome::Waiting {
                    item: job,
                    state,
                    error: error.clone(),
                });
            }
        }
        let text = match self.text(job).await? {
            Ok(text) => text,
            Err(error) => return Ok(TranscribeOutcome::Failed { item: job, error }),
        };
        let (files, kept) = match self.write(job).await? {
            ExportOutcome::Written { files, kept } => (files, kept),
            ExportOutcome::Unchanged => Default::default(),
            ExportOutcome::Refused { reason } => {
                let error = Failure::new(ErrorClass::Output, reason);
                return Ok(TranscribeOutcome::Failed { item: job, error });
            }
        };
        Ok(TranscribeOutcome::Done(Transcribed {
            item: job,
            model: shown_name(item.job.request.model()),
            duration_s: item.duration_s,
            silent: item.silent,
            warnings: item.warnings.clone(),
            text,
            files,
            kept,
        }))
    }

    async fn write(&mut self, job: JobId) -> Result<ExportOutcome, AppError> {
        let Some(exporter) = &mut self.exporter else {
            return Ok(ExportOutcome::Unchanged);
        };
        let outcome = exporter.export(&[job]).await?.pop();
        Ok(outcome.map_or(ExportOutcome::Unchanged, |(_, outcome)| outcome))
    }

    /// Renders the stored result as plain text.
    async fn text(&self, job: JobId) -> Result<Result<String, Failure>, AppError> {
        let received = self.store.with_results(&[job]).await?.remove(&job);
        let packed = self.store.results(&[job]).await?.remove(&job);
        let (Some(received), Some(packed)) = (received, packed) else {
            return Ok(Err(damaged_result()));
        };
        let Ok(completed) = Completed::from_stored(packed.into_packed()) else {
            return Ok(Err(damaged_result()));
        };
        let settings = RenderSettings {
            output: &self.session.config.output,
            formats: &[Format::Txt],
            rules: &RenderRules::default(),
        };
        let rendered = render_files(&received, completed, Path::new(""), settings);
        Ok(rendered.and_then(|rendered| {
            let text = rendered.files.first().map(|(_, file)| file.to_bytes());
            let bytes = text.transpose().map_err(|_| damaged_result())?;
            Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
        }))
    }

    /// Closes the queue.
    pub async fn close(self) {
        if let Some(exporter) = self.exporter {
            exporter.close().await;
        }
    }
}
