//! The unmodified result of the service, wrapped in an envelope with metadata.

use super::metadata::TranscriptMetadata;
use crate::domain::Timestamp;
use crate::output::rendered_file::RenderedFile;
use crate::provider::ResultJson;
use serde_json::{Map, Value};

/// Version of the envelope format.
const VERSION: u32 = 1;
/// End of the envelope.
const TAIL: &str = "\n}\n";

#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct EnvelopeMetadata<'a> {
    /// Version of the envelope: 1.
    version: u32,
    /// Name of the source.
    source: &'a str,
    /// Path within the source, or URL. A byte that is not UTF-8 is written as `\xNN`.
    recording: &'a str,
    /// Bytes of the path in percent form, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_bytes: Option<&'a str>,
    /// SHA-256 of the recording in hexadecimal, if it was computed.
    sha256: Option<&'a str>,
    /// Hash of the sound in hexadecimal, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    sound_hash: Option<&'a str>,
    /// Size of the recording in bytes, if it is a file.
    size_bytes: Option<u64>,
    /// Model.
    model: &'a str,
    /// Options of the model.
    options: &'a Map<String, Value>,
    /// Generation ID at the service.
    generation_id: Option<&'a str>,
    /// Time at which the recording was added to the queue.
    recorded_at: Timestamp,
    /// Time at which the service accepted the submission.
    submitted_at: Option<Timestamp>,
    /// Time at which the result was received.
    received_at: Timestamp,
    /// Whether the recording contains no speech.
    silent: bool,
}

/// The whole file, which [`render`] composes as text.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
pub(crate) struct EnvelopeFile<'a> {
    /// Metadata of the transcript.
    #[expect(dead_code, reason = "only the JSON Schema is made from it")]
    nightscribe: EnvelopeMetadata<'a>,
    /// Result of the service, byte for byte as it was received. Its form depends on the model.
    #[expect(dead_code, reason = "only the JSON Schema is made from it")]
    result: Value,
}

/// Renders the envelope around `result`.
pub(super) fn render(
    silent: bool,
    result: ResultJson,
    envelope: &TranscriptMetadata<'_>,
) -> RenderedFile {
    let metadata = EnvelopeMetadata {
        version: VERSION,
        source: envelope.source,
        recording: &envelope.recording,
        recording_bytes: envelope.recording_bytes.as_deref(),
        sha256: envelope.sha256,
        sound_hash: envelope.sound_hash,
        size_bytes: envelope.size_bytes,
        model: envelope.request.model(),
        options: envelope.request.options(),
        generation_id: envelope.generation_id,
        recorded_at: envelope.recorded_at,
        submitted_at: envelope.submitted_at,
        received_at: envelope.received_at,
        silent,
    };
    let metadata = pretty(&metadata);
    let metadata = metadata.trim_end();
    // Inserted as text, because parsing and serializing it would change numbers and the order of keys.
    let head = format!("{{\n\"nightscribe\": {metadata},\n\"result\": ");
    RenderedFile::around(head, result, TAIL)
}

/// Serializes a document as indented JSON.
pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    text.expect("plain data with text keys is always JSON") + "\n"
}
