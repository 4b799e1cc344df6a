//! A completed transcription, as it was received.

use crate::domain::Transcript;
use crate::domain::extras::Extras;
use crate::provider::aimlapi::envelope::Envelope;
use crate::provider::json::reader::JsonReader;
use crate::provider::json::strict::is_strict;
use std::borrow::Cow;
use std::ops::Range;

/// JSON of a result that is missing.
const NULL: &str = "null";

/// Result of a transcription.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// Answer of the service, byte for byte as received.
    pub body: Vec<u8>,
    /// Transcript read from `body`.
    pub transcript: Transcript,
    /// What the result contains besides the transcript.
    pub extras: Extras,
    /// Position of the result in `body`.
    result: Range<usize>,
}

impl Completed {
    /// Takes the result of `body`, which `envelope` was read from. A result in an unknown shape gives its text, at first as
    /// well as when the answer is read again from the store.
    pub(crate) fn new(body: Vec<u8>, mut envelope: Envelope) -> Self {
        envelope.adopt_loose_text();
        let offset = |offset: u64| {
            usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(body.len())
        };
        let result = offset(envelope.range.start)..offset(envelope.range.end);
        Self {
            transcript: envelope.reading.transcript,
            extras: envelope.reading.extras,
            result,
            body,
        }
    }

    /// Reads a stored answer, or a stored result without an envelope. Anything else gives an empty transcript.
    #[must_use]
    pub fn from_body(body: Vec<u8>) -> Self {
        let envelope = Envelope::read(&*body).unwrap_or_default();
        Self::new(body, envelope)
    }

    /// Returns the result as JSON, without the envelope: byte for byte as received if strict parsers accept it, otherwise
    /// corrected. `null` if the service sent no result.
    #[must_use]
    pub fn result_json(&self) -> Cow<'_, str> {
        let bytes = &self.body[self.result.clone()];
        match std::str::from_utf8(bytes) {
            Ok(text) if is_strict(text) => text.into(),
            _ => corrected(bytes).into(),
        }
    }

    /// Returns the transcript and the result as in [`result_json`](Self::result_json), in the memory of the answer if
    /// possible.
    #[must_use]
    pub fn into_parts(self) -> (Transcript, String) {
        let Self {
            mut body,
            transcript,
            result,
            ..
        } = self;
        body.truncate(result.end);
        body.drain(..result.start);
        let json = match String::from_utf8(body) {
            Ok(text) if is_strict(&text) => text,
            Ok(text) => corrected(text.as_bytes()),
            Err(error) => corrected(error.as_bytes()),
        };
        (transcript, json)
    }
}

/// Returns a copy that strict parsers accept. `null` for no bytes.
fn corrected(bytes: &[u8]) -> String {
    let mut copy = Vec::new();
    let copied = JsonReader::new(bytes).copy(&mut copy);
    copied
        .ok()
        .and_then(|()| String::from_utf8(copy).ok())
        .unwrap_or_else(|| NULL.to_owned())
}
