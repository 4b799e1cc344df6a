//! The object around a result: a status, `result` or `output`, IDs and an `error`. A bare result has no envelope.

use crate::domain::one_line;
use crate::provider::aimlapi::error_text::json_message;
use crate::provider::aimlapi::identity::AnswerIdentity;
use crate::provider::aimlapi::status::JobStatus;
use crate::provider::json::reader::{Ending, JsonReader, Kind};
use crate::provider::result::draft::{Draft, ResultReading};
use crate::provider::result::search::FoundText;
use serde_json::Value;
use std::io::{self, Read};
use std::ops::Range;

/// Maximum size of an error that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Error for a response that cannot be read.
#[derive(Debug, Default, thiserror::Error)]
pub enum InvalidResponse {
    /// The response lacks the expected fields.
    #[default]
    #[error("the service's response cannot be parsed")]
    Unexpected,
    /// The response is not JSON.
    #[error("the service's response cannot be parsed")]
    Json(#[from] serde_json::Error),
    /// The answer is not a JSON object.
    #[error("the service's response is not a JSON object")]
    NotAnObject,
    /// The answer ends within the object.
    #[error("the service's response is incomplete")]
    Truncated,
    /// The answer is an object, but not JSON as far as a lenient parser can read it.
    #[error("the service's response is not valid JSON")]
    Damaged,
    /// The stored answer cannot be unpacked.
    #[error("the stored response cannot be read")]
    Stored(#[from] io::Error),
}

/// An answer that was read, before its meaning is decided.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) status: JobStatus,
    /// Message of the field `error`, if it means an error.
    pub(crate) error: Option<String>,
    /// Whether the field `result` or `output` is present and not null.
    pub(crate) has_result: bool,
    /// Content of that field, or the whole answer if there is no such field.
    pub(crate) reading: ResultReading,
    /// Offsets of the same in the answer, in bytes.
    pub(crate) range: Range<u64>,
    /// Text outside of a result.
    loose_text: FoundText,
    id: Option<String>,
    generation_id: Option<String>,
}

impl Envelope {
    /// Reads an answer.
    ///
    /// # Errors
    /// If the answer is not a complete JSON object, or if the stream fails.
    pub(crate) fn read(input: impl Read) -> Result<Self, InvalidResponse> {
        let mut json = JsonReader::new(input);
        if json.kind() != Kind::Object {
            json.ending()?;
            return Err(InvalidResponse::NotAnObject);
        }
        let mut envelope = Self::default();
        let mut bare = Draft::default();
        let start = json.offset();
        json.object(|json, name| envelope.field(json, name, &mut bare));
        if !envelope.has_result {
            envelope.reading = bare.finish();
            envelope.range = start..json.position();
        }
        match json.ending()? {
            Ending::Complete => Ok(envelope),
            Ending::Truncated => Err(InvalidResponse::Truncated),
            Ending::Damaged => Err(InvalidResponse::Damaged),
        }
    }

    fn field(&mut self, json: &mut JsonReader<'_>, name: &str, bare: &mut Draft) {
        match name {
            "status" => {
                let word = json.text().unwrap_or_default();
                self.status = JobStatus::of(&word);
            }
            "error" => self.error = error_message(json),
            "id" => self.id = json.scalar().map(String::from),
            "generation_id" => self.generation_id = json.scalar().map(String::from),
            "result" | "output" => {
                if !self.has_result && !json.null() {
                    self.has_result = true;
                    let (start, mut draft) = (json.offset(), Draft::default());
                    draft.value(json);
                    self.range = start..json.position();
                    self.reading = draft.finish();
                }
            }
            _ => {
                if !bare.field(json, name) {
                    self.loose_text.search(json, name);
                }
            }
        }
    }

    /// Returns the ID of the generation that the answer names.
    pub(crate) fn generation(&self) -> Option<&str> {
        self.generation_id.as_deref().or(self.id.as_deref())
    }

    /// Takes text in any field for the result, if the answer has no other. Returns whether there is a result.
    pub(crate) fn adopt_loose_text(&mut self) -> bool {
        if self.has_result || self.reading.has_known_field {
            return true;
        }
        let Some(text) = std::mem::take(&mut self.loose_text).into_text() else {
            return !self.reading.transcript.text.is_empty();
        };
        self.reading.transcript.text = text;
        true
    }

    /// Whether the answer is a result without an envelope.
    pub(crate) const fn is_bare(&self) -> bool {
        !self.has_result && self.reading.has_known_field
    }

    /// Returns the recording that the answer names. The `id` of a bare result is its vendor's.
    pub(crate) fn identity(&self) -> AnswerIdentity {
        let generation = if self.is_bare() {
            self.generation_id.as_deref()
        } else {
            self.generation()
        };
        AnswerIdentity {
            generation: generation.map(str::to_owned),
            sha256: self.reading.sha256.clone(),
        }
    }
}

/// Reads the message of an `error` field.
///
/// Returns `None` for a value that means no error (`null`, `""`, `false`, `{}`).
fn error_message(json: &mut JsonReader<'_>) -> Option<String> {
    let mut copy = Vec::new();
    json.copy(&mut copy).ok()?;
    copy.truncate(MAX_ERROR_BYTES);
    match serde_json::from_slice(&copy).ok()? {
        Value::Object(fields) if fields.is_empty() => None,
        value @ Value::Object(_) => {
            let name = value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let message = json_message(&value).unwrap_or_default();
            let both = !name.is_empty() && name != message;
            Some(one_line(&if both {
                format!("{name}: {message}")
            } else {
                message
            }))
        }
        value => json_message(&value).map(|message| one_line(&message)),
    }
}
