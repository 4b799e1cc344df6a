//! Transcripts as their files show them, made from the stored results.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::rendering::RenderRules;
use crate::domain::{Format, JobId, Transcript};
use crate::output::render::correct;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stages::save::staging::{OutputFolders, render_files};
use crate::provider::Completed;
use crate::runtime::large_jobs;
use crate::store::sqlite::queue::ReceivedJob;
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
    let Some(received) = store.with_results(&[item]).await?.remove(&item) else {
        return match store.item(item).await? {
            Some(_) => Err(AppError::NoTranscript { item }),
            None => Ok(None),
        };
    };
    let (job, output) = (received.clone(), session.config.output.clone());
    let render = move |completed, rules: &RenderRules| {
        let folder = OutputFolders::of(&output, &job.recording).preferred;
        let rendered = render_files(&job, completed, &folder, &output, &[format], rules);
        let rendered = rendered.map_err(|_| damaged())?.files.into_iter();
        let mut files = rendered.filter(|(of, _)| *of == format);
        let file = files.next().map(|(_, file)| file.to_bytes());
        file.transpose().map_err(|_| damaged())
    };
    let bytes = read_result(session, &store, &received, render).await??;
    store.close().await;
    let mut name = received.base_name;
    name.push(".");
    name.push(format.extension());
    match bytes {
        Some(bytes) => Ok(Some(RenderedTranscript { name, bytes })),
        None => Err(AppError::NoTimes { item, format }),
    }
}

/// Returns the transcript of a job, with names and replacements.
///
/// # Errors
/// If it has none, its stored result is damaged, or the database fails.
pub(super) async fn stored_transcript(
    session: &Session,
    store: &Store,
    received: &ReceivedJob,
) -> Result<Transcript, AppError> {
    let corrected = |completed: Completed, rules: &RenderRules| {
        let mut transcript = completed.transcript;
        correct(&mut transcript, rules);
        transcript
    };
    read_result(session, store, received, corrected).await
}

/// Passes the result of a job to `read`, with the names and replacements for it.
async fn read_result<T: Send + 'static>(
    session: &Session,
    store: &Store,
    received: &ReceivedJob,
    read: impl FnOnce(Completed, &RenderRules) -> T + Send + 'static,
) -> Result<T, AppError> {
    let packed = store.results(&[received.job]).await?.remove(&received.job);
    let packed = packed.ok_or(AppError::NoTranscript { item: received.job })?;
    let mut names = store.speaker_names(&[received.recording_id]).await?;
    let names = names.remove(&received.recording_id);
    let rules = RuleBook::new(&session.config.sources);
    let recording = received.recording.clone();
    let reading = large_jobs::run(move || {
        let completed = Completed::from_stored(packed.into_packed())?;
        std::io::Result::Ok(read(completed, &rules.find(&recording, names).readable()))
    });
    let read = reading.await.map_err(|_| damaged())?;
    Ok(read.map_err(|_| damaged())?)
}

/// The stored bytes of a result are damaged.
const fn damaged() -> StoreError {
    StoreError::Content { column: "raw" }
}
