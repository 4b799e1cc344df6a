//! Names of the speakers of a recording.

use super::export::{ExportFiles, Exporter};
use super::export_result::ExportResult;
use crate::app::error::AppError;
use crate::app::select::select_one;
use crate::app::session::Session;
use crate::app::stored_transcript::stored_transcript;
use crate::domain::JobId;
use crate::domain::speaker_names::is_same_speaker;
use crate::output::render::{SpeakerSample, speaker_samples};
use crate::pipeline::stages::save::names::OnEdited;
use crate::pipeline::stored_transcript::CorrectedTranscript;
use crate::store::Store;
use serde::Serialize;

/// Speakers of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemSpeakers {
    /// ID of the job.
    pub item: JobId,
    /// Its speakers, in the order in which they first speak.
    pub speakers: Vec<SpeakerSample>,
}

/// Returns the speakers of the item with this ID, or otherwise of the newest item of the recording at this path or URL.
///
/// # Errors
/// If there is no such item, it has no transcript, or the database fails.
pub async fn list_speakers(session: &Session, name: &str) -> Result<ItemSpeakers, AppError> {
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    let found = find_transcript(session, &store, name).await?;
    store.close().await;
    Ok(ItemSpeakers {
        item: found.received.job,
        speakers: speaker_samples(found.transcript),
    })
}

/// Names speakers of a recording, given by keys, and writes its transcripts again. An empty name removes one. Edited
/// transcripts are kept.
///
/// Either all names are stored or none. A crash after that leaves the old names in the transcripts until the next export.
///
/// # Errors
/// If there is no such item or speaker, a name is not valid, or the database fails.
pub async fn name_speakers(
    session: &Session,
    name: &str,
    names: &[(String, String)],
) -> Result<Vec<ExportResult>, AppError> {
    let item = store_names(session, name, names).await?;
    let opened = Exporter::open(session, None, ExportFiles::Changed, OnEdited::Keep);
    let mut exporter = opened.await?;
    let outcomes = exporter.export(&[item]).await?.into_iter();
    exporter.close().await;
    let result = |(item, outcome)| ExportResult { item, outcome };
    Ok(outcomes.map(result).collect())
}

async fn store_names(
    session: &Session,
    name: &str,
    names: &[(String, String)],
) -> Result<JobId, AppError> {
    let store = session.store().await?;
    let found = find_transcript(session, &store, name).await?;
    let (item, recording) = (found.received.job, found.received.recording_id);
    let speakers = speaker_samples(found.transcript);
    let known = store.speaker_names(&[recording]).await?;
    let mut all = known.into_values().next().unwrap_or_default();
    for (key, name) in names {
        all.set(key, name).map_err(|error| AppError::SpeakerName {
            speaker: key.clone(),
            reason: error.to_string(),
        })?;
        require_speaker(&speakers, key)?;
    }
    store.set_speaker_names(recording, all).await?;
    store.close().await;
    Ok(item)
}

fn require_speaker(speakers: &[SpeakerSample], key: &str) -> Result<(), AppError> {
    let keys: Vec<_> = speakers.iter().map(|one| one.speaker.as_str()).collect();
    if keys.iter().any(|known| is_same_speaker(known, key)) {
        return Ok(());
    }
    let reason = if keys.is_empty() {
        "the transcript names no speakers; the option `diarize` or `speaker_labels` asks for them"
            .to_owned()
    } else {
        format!(
            "there is no such speaker; the transcript has {}",
            keys.join(", ")
        )
    };
    Err(AppError::SpeakerName {
        speaker: key.to_owned(),
        reason,
    })
}

async fn find_transcript(
    session: &Session,
    store: &Store,
    name: &str,
) -> Result<CorrectedTranscript, AppError> {
    let item = select_one(session, name).await?;
    let found = stored_transcript(session, store, item).await?;
    found.ok_or_else(|| AppError::NoItem(name.to_owned()))
}
