//! Reading of envelopes: transcripts in the format `json`, which contain the unmodified result of the service.

use crate::domain::{Recording, RecordingHash, Request, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Version of the envelopes that can be read.
const VERSION: u32 = 1;
/// Number of bytes that contain the metadata, unless the options are very long.
const HEAD_BYTES: u64 = 16 * 1024;
/// Maximum size of an envelope, in bytes. The client accepts no result of this size.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Metadata of an envelope.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Envelope {
    version: u32,
    /// Name of the source.
    pub source: String,
    /// Path within the source, or URL. A byte that is not UTF-8 is written as `\xNN`.
    pub recording: String,
    /// Bytes of the path in percent form, if it is not UTF-8.
    pub recording_bytes: Option<String>,
    /// SHA-256 of the recording in lower-case hexadecimal, if it was known.
    pub sha256: Option<String>,
    /// Hash of the sound of the recording in lower-case hexadecimal, if it was known.
    pub sound_hash: Option<String>,
    /// Size of the recording in bytes, if it is a file.
    pub size_bytes: Option<u64>,
    model: String,
    options: Map<String, Value>,
    /// Generation ID of the service.
    pub generation_id: Option<String>,
    /// Time at which the recording was added to the queue.
    pub recorded_at: Timestamp,
    /// Time at which the service accepted the submission.
    pub submitted_at: Option<Timestamp>,
    /// Time at which the result was received.
    pub received_at: Timestamp,
}

impl Envelope {
    /// Whether it was made of another content than the recording has. `hash` is that of the recording, if it is known.
    #[must_use]
    pub fn is_of_other_content(&self, recording: &Recording, hash: Option<&RecordingHash>) -> bool {
        match (&self.sha256, hash) {
            (Some(own), Some(other)) => {
                !own.eq_ignore_ascii_case(&other.sha256) && !self.has_sound(other)
            }
            _ => {
                let size = recording.revision.size_bytes;
                self.size_bytes.is_some_and(|own| own != size)
            }
        }
    }

    /// Whether it was made of the same sound.
    #[must_use]
    pub fn has_sound(&self, hash: &RecordingHash) -> bool {
        let own = self.sound_hash.as_deref().zip(hash.sound.as_deref());
        own.is_some_and(|(own, other)| own.eq_ignore_ascii_case(other))
    }

    /// Returns the model and options with which the recording was transcribed.
    #[must_use]
    pub fn request(&self) -> Request {
        Request::new(self.model.clone(), self.options.clone())
    }
}

/// Reads the metadata of an envelope. Returns `None` if the file is not one. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub fn read_metadata(path: &Path) -> io::Result<Option<Envelope>> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(match parse_metadata(&head) {
        Metadata::Read(envelope) => Some(*envelope),
        Metadata::Missing => None,
        Metadata::Cut => {
            file.take(MAX_BYTES).read_to_end(&mut head)?;
            match parse_metadata(&head) {
                Metadata::Read(envelope) => Some(*envelope),
                Metadata::Missing | Metadata::Cut => None,
            }
        }
    })
}

/// Reads the result in an envelope, byte for byte. Returns `None` if the file is not a complete envelope. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub fn read_result(path: &Path) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut text)?;
    let whole = serde_json::from_slice::<WithResult<'_>>(&text);
    Ok(whole.ok().map(|whole| whole.result.get().to_owned()))
}

#[derive(Deserialize)]
struct WithResult<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

enum Metadata {
    Read(Box<Envelope>),
    /// The text ends within the metadata.
    Cut,
    Missing,
}

fn parse_metadata(text: &[u8]) -> Metadata {
    let Some(value) = after_key(text) else {
        return Metadata::Missing;
    };
    match Deserializer::from_slice(value)
        .into_iter::<Envelope>()
        .next()
    {
        Some(Ok(envelope)) if envelope.version == VERSION => Metadata::Read(Box::new(envelope)),
        Some(Err(error)) if error.is_eof() => Metadata::Cut,
        _ => Metadata::Missing,
    }
}

/// Returns the text after the key of the metadata, which comes first.
fn after_key(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_start().strip_prefix(b"{")?;
    let text = text.trim_ascii_start().strip_prefix(b"\"nightscribe\"")?;
    text.trim_ascii_start().strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rendering::RenderOptions;
    use crate::domain::{Format, Transcript};
    use crate::output::render::{TranscriptMetadata, render};
    use crate::provider::Completed;
    use serde_json::json;
    use std::fs;

    const RAW: &str = "{\"n\": 1.50, \"t\":\"h\\u00e9\"}";

    fn written(folder: &Path, request: &Request) -> std::path::PathBuf {
        let metadata = TranscriptMetadata {
            source: "talks",
            recording: "2019/a.mp3".to_owned(),
            recording_bytes: None,
            audio: "../a.mp3".to_owned(),
            sha256: Some("ba7816bf"),
            sound_hash: Some("6437b3ac"),
            size_bytes: Some(17),
            request,
            generation_id: Some("g-1"),
            recorded_at: Timestamp::from_millis(1_000),
            submitted_at: None,
            received_at: Timestamp::from_millis(61_000),
        };
        let path = folder.join("a.json");
        let completed = Completed::from_body(RAW.as_bytes().to_vec()).unwrap();
        let file = render(
            Format::Json,
            &Transcript::default(),
            &completed.result_json().unwrap(),
            &metadata,
            &RenderOptions::default(),
        );
        fs::write(&path, file.to_bytes().unwrap()).unwrap();
        path
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(2 * HEAD_BYTES as usize);
        for keyword in ["short", &long] {
            let request = Request::new("m", [("keywords".to_owned(), json!(keyword))]);
            let path = written(folder.path(), &request);
            let envelope = read_metadata(&path).unwrap().unwrap();
            assert_eq!(envelope.request(), request);
            assert_eq!(envelope.sha256.as_deref(), Some("ba7816bf"));
            assert_eq!(envelope.sound_hash.as_deref(), Some("6437b3ac"));
            assert_eq!(envelope.size_bytes, Some(17));
            assert_eq!(envelope.recorded_at, Timestamp::from_millis(1_000));
            assert_eq!(read_result(&path).unwrap().as_deref(), Some(RAW));
        }
    }

    #[test]
    fn other_files_are_not_envelopes() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &Request::new("m", []));
        let whole = fs::read_to_string(&path).unwrap();
        for text in [
            "",
            "{}",
            "[1]",
            "{\"nightscribe\": {}}",
            "{\"segments\": [], \"nightscribe\": 1}",
            &whole.replace("\"version\": 1", "\"version\": 2"),
            &whole[..100],
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(read_metadata(&path).unwrap(), None, "{text}");
        }
        fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        assert!(read_metadata(&path).unwrap().is_some());
        assert_eq!(read_result(&path).unwrap(), None, "it was cut");
    }
}
