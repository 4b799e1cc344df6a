//! A completed transcription, as it was received.

use crate::domain::Transcript;
use crate::domain::extras::Extras;
use crate::provider::aimlapi::envelope::{Envelope, InvalidResponse};
use crate::provider::body::Body;
use crate::provider::json::reader::JsonReader;
use crate::provider::json::strict::is_strict;
use std::io::{self, Read};
use std::ops::Range;

/// JSON of a result that is missing.
const NULL: &str = "null";

/// Result of a transcription.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// Answer of the service, byte for byte as received.
    pub body: Body,
    /// Transcript read from `body`.
    pub transcript: Transcript,
    /// What the result contains besides the transcript.
    pub extras: Extras,
    /// Position of the result in the answer, in bytes.
    result: Range<u64>,
}

impl Completed {
    /// Takes the result of `body`, which `envelope` was read from. A result in an unknown shape gives its text, at first as
    /// well as when the answer is read again from the store.
    pub(crate) fn new(body: Body, mut envelope: Envelope) -> Self {
        envelope.adopt_loose_text();
        Self {
            transcript: envelope.reading.transcript,
            extras: envelope.reading.extras,
            result: envelope.range,
            body,
        }
    }

    /// Reads a stored answer, or a stored result without an envelope. Anything else gives an empty transcript.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn from_body(body: impl Into<Body>) -> io::Result<Self> {
        let body = body.into();
        let envelope = match Envelope::read(body.reader()) {
            Err(InvalidResponse::Stored(error)) => return Err(error),
            envelope => envelope.unwrap_or_default(),
        };
        Ok(Self::new(body, envelope))
    }

    /// Reads an answer that was stored compressed.
    ///
    /// # Errors
    /// If the compressed bytes are damaged.
    pub fn from_stored(compressed: Vec<u8>) -> io::Result<Self> {
        Body::from_stored(compressed).and_then(Self::from_body)
    }

    /// Returns the transcript, and the result as JSON.
    #[must_use]
    pub fn into_parts(self) -> (Transcript, ResultJson) {
        let Self {
            body,
            transcript,
            result,
            ..
        } = self;
        (transcript, ResultJson { body, result })
    }

    /// Returns a copy of the result as [`ResultJson::into_text`] does.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn result_json(&self) -> io::Result<String> {
        self.clone().into_parts().1.into_text()
    }
}

/// The result in an answer.
#[derive(Debug, Clone)]
pub struct ResultJson {
    body: Body,
    result: Range<u64>,
}

impl ResultJson {
    /// Returns the result as JSON, without the envelope: byte for byte as received if strict parsers accept it, otherwise
    /// corrected. `null` if the service sent no result.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn into_text(self) -> io::Result<String> {
        let length = self.result.end - self.result.start;
        let mut reader = self.body.reader();
        io::copy(
            &mut reader.by_ref().take(self.result.start),
            &mut io::sink(),
        )?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        reader.take(length).read_to_end(&mut bytes)?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) if is_strict(&text) => text,
            Ok(text) => corrected(text.as_bytes()),
            Err(error) => corrected(error.as_bytes()),
        })
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
