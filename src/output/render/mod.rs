//! Rendering of results as files.
//!
//! Rendering is pure: the same result always gives the same bytes.
//!
//! - `json`: the unmodified result in an envelope
//! - `txt`: plain text for reading
//! - `srt`, `vtt`: subtitles
//! - `md`: Markdown with links into the audio
//! - `tsv`, `lrc`, `podcast`, `whisperx`, `aud`: formats of other programs
//! - `segment`: words grouped into sentences
//! - `cue`: words grouped into subtitle cues
//! - `token`: words with times, from any part of the transcript
//! - `timing`: display times of cues
//! - `label`: speaker labels
//! - `plain`: text without control characters

mod aud;
mod cue;
mod json;
mod label;
mod lrc;
mod md;
mod plain;
mod podcast;
mod segment;
mod srt;
mod timing;
mod token;
mod tsv;
mod txt;
mod vtt;
mod whisperx;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::domain::{Format, Request, Timestamp, Transcript};

/// Metadata of a transcript.
#[derive(Debug, Clone)]
pub struct TranscriptMetadata<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Path within the source, or URL.
    pub recording: String,
    /// Link to the audio, relative to the folder of the transcript.
    pub audio: String,
    /// SHA-256 of the recording, if it was computed.
    pub sha256: Option<&'a str>,
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

/// Renders a transcript in the given format. `raw` is the unmodified JSON that `transcript` was parsed from.
#[must_use]
pub fn render(
    format: Format,
    transcript: &Transcript,
    raw: &str,
    envelope: &TranscriptMetadata<'_>,
) -> Vec<u8> {
    match format {
        Format::Json => json::render(transcript, raw, envelope),
        Format::Txt => txt::render(transcript),
        Format::Srt => srt::render(transcript),
        Format::Vtt => vtt::render(transcript),
        Format::Md => md::render(transcript, envelope),
        Format::Tsv => tsv::render(transcript),
        Format::Lrc => lrc::render(transcript),
        Format::Podcast => podcast::render(transcript),
        Format::Whisperx => whisperx::render(transcript),
        Format::Aud => aud::render(transcript),
    }
    .into_bytes()
}
