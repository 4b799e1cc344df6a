//! A transcript to read along with its recording.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::app::stored_transcript::stored_transcript;
use crate::domain::{JobId, Language, Location, Recording};
use crate::output::render::{SpeakerSample, TimedParagraph, read_along, speaker_samples};

/// A transcript to read along with its recording.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The recording.
    pub recording: Recording,
    /// Detected or requested language.
    pub language: Option<Language>,
    /// Paragraphs in order. Empty if nothing is said.
    pub paragraphs: Vec<TimedParagraph>,
    /// Speakers, in the order in which they first speak.
    pub speakers: Vec<SpeakerSample>,
}

/// Returns the transcript of an item. `None` if there is no such item.
///
/// # Errors
/// If it has no transcript, or the database fails.
pub async fn reading_of(session: &Session, item: JobId) -> Result<Option<Reading>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let found = stored_transcript(session, &store, item).await?;
    store.close().await;
    Ok(found.map(|found| Reading {
        language: found.language,
        paragraphs: read_along(&found.transcript),
        speakers: speaker_samples(found.transcript),
        recording: found.received.recording,
    }))
}

/// Returns where the recording of an item is. `None` if there is no such item.
///
/// # Errors
/// If the database fails.
pub async fn location_of(session: &Session, item: JobId) -> Result<Option<Location>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let found = store.item(item).await?;
    store.close().await;
    Ok(found.map(|found| found.location))
}
