//! The unmodified result of the service, wrapped in an envelope with metadata.

use super::metadata::TranscriptMetadata;
use crate::domain::Timestamp;
use serde_json::{Map, Value};

/// Version of the envelope format.
const VERSION: u32 = 1;
/// End of the envelope.
const TAIL: &str = "\n}\n";

#[derive(serde::Serialize)]
struct EnvelopeMetadata<'a> {
    version: u32,
    source: &'a str,
    recording: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_bytes: Option<&'a str>,
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound_hash: Option<&'a str>,
    size_bytes: Option<u64>,
    model: &'a str,
    options: &'a Map<String, Value>,
    generation_id: Option<&'a str>,
    recorded_at: Timestamp,
    submitted_at: Option<Timestamp>,
    received_at: Timestamp,
    silent: bool,
}

/// Renders the envelope around `raw`, in the memory of `raw`: a result may have many megabytes.
pub(super) fn render(silent: bool, mut raw: String, envelope: &TranscriptMetadata<'_>) -> String {
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
    // Growth in steps would double the memory.
    raw.reserve_exact(head.len() + TAIL.len());
    raw.insert_str(0, &head);
    raw.push_str(TAIL);
    raw
}

/// Serializes a document as indented JSON.
pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    text.expect("plain data with text keys is always JSON") + "\n"
}
