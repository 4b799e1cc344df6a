//! The transcript of one item, as its files show it.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::{Format, JobId};
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::pipeline::stages::save::rendering::{RenderSettings, render_files};
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stored_transcript::{CorrectedTranscript, StoredTranscript};
use crate::runtime::large_jobs;
use crate::store::{Store, StoreError};
use std::ffi::OsString;

/// A transcript in one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedTranscript {
    /// Name of its file.
    pub name: OsString,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Returns the transcript of an item in a format, whether or not such a file was written. `None` if there is no such item.
///
/// # Errors
/// If it has no transcript, or one that the format cannot show, or the database fails.
pub async fn rendered_transcript(
    session: &Session,
    item: JobId,
    format: Format,
) -> Result<Option<RenderedTranscript>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let Some(stored) = load(&store, item).await? else {
        return Ok(None);
    };
    store.close().await;
    let mut name = stored.received.base_name.clone();
    let (book, output) = (
        RuleBook::new(&session.config.sources),
        session.config.output.clone(),
    );
    let rendering = large_jobs::run(move || {
        let rules = stored.rules(&book);
        let (job, completed) = stored.decompress().map_err(|_| damaged())?;
        let folder = OutputFolders::of(&output, &job.recording).preferred;
        let rules = rules.readable();
        let settings = RenderSettings {
            output: &output,
            formats: &[format],
            rules: &rules,
        };
        let rendered = render_files(&job, completed, &folder, settings);
        let mut files = rendered.map_err(|_| damaged())?.files.into_iter();
        let file = files.find(|(of, _)| *of == format);
        file.map(|(_, file)| file.to_bytes().map_err(|_| damaged()))
            .transpose()
    });
    let rendered = rendering.await.map_err(|_| damaged())??;
    name.push(".");
    name.push(format.extension());
    match rendered {
        Some(bytes) => Ok(Some(RenderedTranscript { name, bytes })),
        None => Err(AppError::NoTimes { item, format }),
    }
}

/// Returns the transcript of an item, with names and replacements. `None` if there is no such item.
///
/// # Errors
/// If it has no transcript, its stored result is damaged, or the database fails.
pub(super) async fn stored_transcript(
    session: &Session,
    store: &Store,
    item: JobId,
) -> Result<Option<CorrectedTranscript>, AppError> {
    let Some(stored) = load(store, item).await? else {
        return Ok(None);
    };
    let book = RuleBook::new(&session.config.sources);
    let read = large_jobs::run(move || {
        let rules = stored.rules(&book).readable();
        stored.read(&rules)
    });
    let read = read.await.map_err(|_| damaged())?;
    Ok(Some(read.map_err(|_| damaged())?))
}

/// Loads the result of an item. `None` if there is no such item.
async fn load(store: &Store, item: JobId) -> Result<Option<StoredTranscript>, AppError> {
    let loaded = StoredTranscript::load(store, &[item]).await?.pop();
    if loaded.is_none() && store.item(item).await?.is_some() {
        return Err(AppError::NoTranscript { item });
    }
    Ok(loaded)
}

/// The stored bytes of a result are damaged.
const fn damaged() -> StoreError {
    StoreError::Content { column: "raw" }
}
