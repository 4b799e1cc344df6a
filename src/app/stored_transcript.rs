//! Transcripts as their files show them, read from the stored results.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::Transcript;
use crate::output::render::correct;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::provider::Completed;
use crate::runtime::large_jobs;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::{Store, StoreError};

/// Returns the transcript of a job, with names and replacements.
///
/// # Errors
/// If it has none, its stored result is damaged, or the database fails.
pub(super) async fn stored_transcript(
    session: &Session,
    store: &Store,
    received: &ReceivedJob,
) -> Result<Transcript, AppError> {
    let packed = store.results(&[received.job]).await?.remove(&received.job);
    let packed = packed.ok_or(AppError::NoTranscript { item: received.job })?;
    let mut names = store.speaker_names(&[received.recording_id]).await?;
    let names = names.remove(&received.recording_id);
    let rules = RuleBook::new(&session.config.sources);
    let recording = received.recording.clone();
    let read = large_jobs::run(move || {
        let mut transcript = Completed::from_stored(packed.into_packed())?.transcript;
        correct(&mut transcript, &rules.find(&recording, names).readable());
        std::io::Result::Ok(transcript)
    });
    let damaged = || StoreError::Content { column: "raw" };
    let transcript = read.await.map_err(|_| damaged())?;
    Ok(transcript.map_err(|_| damaged())?)
}
