//! A completed transcription, as it was received.

use crate::domain::Transcript;
use crate::domain::extras::Extras;
use crate::provider::aimlapi::envelope::{Envelope, InvalidResponse};
use crate::provider::body::{ArrivingBody, Body};
use crate::provider::json::reader::JsonReader;
use crate::provider::json::strict::is_strict;
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::ops::Range;

/// JSON of a result that is missing.
const NULL: &[u8] = b"null";

/// Result of a transcription.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// Answer of the service, byte for byte as received.
    pub body: Body,
    /// Transcript read from `body`.
    pub transcript: Transcript,
    /// Parts of the result other than the transcript.
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
    pub fn from_stored(compressed: impl Into<Bytes>) -> io::Result<Self> {
        Body::from_stored(compressed).and_then(Self::from_body)
    }

    /// Returns the transcript, and the result as it was received.
    #[must_use]
    pub fn into_parts(self) -> (Transcript, RawResult) {
        let Self {
            body,
            transcript,
            result,
            ..
        } = self;
        (transcript, RawResult { body, result })
    }

    /// Returns a copy of the result as [`RawResult::into_json`] does.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn result_json(&self) -> io::Result<ResultJson> {
        let raw = RawResult {
            body: self.body.clone(),
            result: self.result.clone(),
        };
        raw.into_json()
    }
}

/// The result in an answer, as it was received.
#[derive(Debug, Clone)]
pub struct RawResult {
    body: Body,
    result: Range<u64>,
}

impl RawResult {
    /// Returns the result as JSON, without the envelope: byte for byte as received if strict parsers accept it, otherwise
    /// corrected. `null` if the service sent no result.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn into_json(self) -> io::Result<ResultJson> {
        let received = ResultJson(self);
        if received.is_strict()? {
            return Ok(received);
        }
        let corrected = received.corrected()?;
        Ok(match corrected.is_strict()? {
            true => corrected,
            false => ResultJson::default(),
        })
    }
}

/// A result as JSON that strict parsers accept. A large one stays compressed, and takes its full size only in a file.
#[derive(Debug, Clone)]
pub struct ResultJson(RawResult);

impl ResultJson {
    /// Writes the JSON to `out`.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        io::copy(&mut self.reader()?, out).map(|_| ())
    }

    fn is_strict(&self) -> io::Result<bool> {
        is_strict(self.reader()?)
    }

    /// Returns a copy that leaves out what strict parsers reject.
    fn corrected(&self) -> io::Result<Self> {
        let mut copy = ArrivingBody::default();
        JsonReader::new(self.reader()?).copy(&mut copy)?;
        let result = 0..copy.received() as u64;
        let body = copy.finish()?;
        Ok(Self(RawResult { body, result }))
    }

    fn reader(&self) -> io::Result<impl Read> {
        let RawResult { body, result } = &self.0;
        let mut reader = body.reader();
        let before = &mut reader.by_ref().take(result.start);
        io::copy(before, &mut io::sink())?;
        Ok(reader.take(result.end - result.start))
    }
}

/// The JSON of a result that is missing: `null`.
impl Default for ResultJson {
    fn default() -> Self {
        let body = Body::Plain(NULL.into());
        let result = 0..NULL.len() as u64;
        Self(RawResult { body, result })
    }
}
