//! A result as the bytes of a file. Pure: the same result always gives the same bytes.
//!
//! - `json`: the result as it came, in an envelope
//! - `txt`: for reading
//! - `srt`, `vtt`: subtitles
//! - `md`: for reading beside the audio
//! - `tsv`, `lrc`, `podcast`, `whisperx`, `aud`: for other programs
//! - `segment`: words in sentences
//! - `cue`: words cut into what fits a screen
//! - `token`: the words that are cut, with times, wherever they come from
//! - `timing`: when a cue is shown
//! - `label`: who speaks, in words
//! - `plain`: text without anything a terminal or player would obey

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

/// What is known of a transcript beside its content.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Path in the source, or URL.
    pub recording: String,
    /// Where the audio is, as a link from the folder of the transcript.
    pub audio: String,
    /// SHA-256 of the recording, where it was taken.
    pub sha256: Option<&'a str>,
    /// Model and options.
    pub request: &'a Request,
    /// The service's ID of the transcription.
    pub generation_id: Option<&'a str>,
    /// When the recording was recorded in the queue.
    pub recorded_at: Timestamp,
    /// When the service accepted it.
    pub submitted_at: Option<Timestamp>,
    /// When its result was received.
    pub received_at: Timestamp,
}

/// The file's bytes. `raw` is the result's JSON as it came, which `transcript` was read from.
#[must_use]
pub fn render(
    format: Format,
    transcript: &Transcript,
    raw: &str,
    envelope: &Envelope<'_>,
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
