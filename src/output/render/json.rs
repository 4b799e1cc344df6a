//! The result as it came, in an envelope that says what it is of.

use super::Envelope;
use crate::domain::{Timestamp, Transcript};
use serde_json::{Map, Value};

/// Version of the envelope, for whoever reads it with a program.
const VERSION: u32 = 1;

#[derive(serde::Serialize)]
struct About<'a> {
    version: u32,
    source: &'a str,
    recording: &'a str,
    sha256: Option<&'a str>,
    model: &'a str,
    options: &'a Map<String, Value>,
    generation_id: Option<&'a str>,
    recorded_at: Timestamp,
    submitted_at: Option<Timestamp>,
    received_at: Timestamp,
    silent: bool,
}

pub(super) fn render(transcript: &Transcript, raw: &str, envelope: &Envelope<'_>) -> String {
    let about = About {
        version: VERSION,
        source: envelope.source,
        recording: &envelope.recording,
        sha256: envelope.sha256,
        model: envelope.request.model(),
        options: envelope.request.options(),
        generation_id: envelope.generation_id,
        recorded_at: envelope.recorded_at,
        submitted_at: envelope.submitted_at,
        received_at: envelope.received_at,
        silent: transcript.is_silent(),
    };
    let about = pretty(&about);
    let about = about.trim_end();
    // Spliced in as text, because reading and writing it again would change numbers and order.
    format!("{{\n\"nightscribe\": {about},\n\"result\": {raw}\n}}\n")
}

/// A document of plain data, for people and programs.
pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    text.expect("plain data with text keys is always JSON") + "\n"
}
