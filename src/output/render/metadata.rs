//! Metadata that some formats contain.

use super::plain;
use crate::domain::{Language, Request, Timestamp, Transcript};
use std::path::Path;

/// Metadata of a transcript.
#[derive(Debug, Clone)]
pub struct TranscriptMetadata<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Path within the source, or URL. A byte that is not UTF-8 is written as `\xNN`.
    pub recording: String,
    /// Bytes of the path in percent form, if it is not UTF-8.
    pub recording_bytes: Option<String>,
    /// Link to the audio, relative to the folder of the transcript.
    pub audio: String,
    /// SHA-256 of the recording, if it was computed.
    pub sha256: Option<&'a str>,
    /// Hash of the sound in lowercase hexadecimal, if known.
    pub sound_hash: Option<&'a str>,
    /// Size of the recording in bytes, if it is a file.
    pub size_bytes: Option<u64>,
    /// Model and options.
    pub request: &'a Request,
    /// Generation ID of the service.
    pub generation_id: Option<&'a str>,
    /// Time at which the recording was added to the queue.
    pub recorded_at: Timestamp,
    /// Time at which the service accepted the submission.
    pub submitted_at: Option<Timestamp>,
    /// Time at which the result was received.
    pub received_at: Timestamp,
}

impl TranscriptMetadata<'_> {
    /// Returns the name of the recording without its extension.
    pub(super) fn title(&self) -> String {
        let stem = Path::new(&self.recording).file_stem();
        let title = stem.map_or_else(
            || self.recording.as_str().into(),
            |stem| stem.to_string_lossy(),
        );
        plain::printable_line(&title).into_owned()
    }

    /// Returns the detected or requested language.
    pub(super) fn language(&self, transcript: &Transcript) -> Option<Language> {
        Language::of(transcript.language.as_deref(), self.request)
    }
}
