//! Parsing of a submission, a form or JSON, in constant memory. Validation follows the service's documentation.

use crate::audio::{Intake, MAX_UPLOAD_BYTES, TooLarge, UploadedAudio};
use crate::ledger::Sha256Sum;
use crate::property::{self, Options};
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Maximum size in bytes of a JSON body, and of all text fields of a form.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// Number of bytes added for each field to its name and value. It limits the number of empty fields.
const FIELD_OVERHEAD: usize = 16;
/// Maximum number of bytes of a form in addition to its recording.
const MAX_FORM_BYTES: u64 = 1 << 20;
/// Maximum length of a stored file name, in characters.
const MAX_NAME_CHARS: usize = 255;
/// Longest audio of OpenAI's models, in seconds.
const MAX_OPENAI_DURATION_S: f64 = 1400.0;
/// Assumed duration of the audio at a URL, in seconds. The URL is never fetched.
const URL_DURATION_S: f64 = 30.0;

/// Received submission.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReceivedSubmission {
    pub(crate) model: String,
    pub(crate) options: Options,
    /// File name or URL.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256Sum,
    pub(crate) duration_s: f64,
}

/// Reason for a rejected request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request entity too large")
    }
}

impl From<MultipartError> for Rejection {
    fn from(error: MultipartError) -> Self {
        Self::bad(error.body_text())
    }
}

/// Reads and validates a request.
pub(crate) async fn read(request: Request) -> Result<ReceivedSubmission, Rejection> {
    if is_form(request.headers())? {
        let form = Multipart::from_request(request, &()).await;
        read_form(form.map_err(|error| Rejection::bad(error.body_text()))?).await
    } else {
        read_json(request.into_body()).await
    }
}

/// Whether the body is a form rather than JSON.
///
/// # Errors
/// Returns 413 if the body is too large, and 415 if it is neither a form nor JSON.
fn is_form(headers: &HeaderMap) -> Result<bool, Rejection> {
    let header = |name| headers.get(name)?.to_str().ok();
    let length: Option<u64> = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > MAX_UPLOAD_BYTES + MAX_FORM_BYTES) {
        return Err(Rejection::too_large());
    }
    let kind = header(CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        Ok(true)
    } else if kind.starts_with("application/json") {
        Ok(false)
    } else {
        Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be multipart/form-data or application/json",
        ))
    }
}

async fn read_json(body: Body) -> Result<ReceivedSubmission, Rejection> {
    let body = axum::body::to_bytes(body, MAX_FIELD_BYTES).await;
    let body = body.map_err(|_| Rejection::too_large())?;
    let fields =
        serde_json::from_slice(&body).map_err(|error| Rejection::bad(error.to_string()))?;
    from_json(fields)
}

fn from_json(mut fields: Map<String, Value>) -> Result<ReceivedSubmission, Rejection> {
    let model = match fields.remove("model") {
        Some(Value::String(model)) => available(model)?,
        _ => return Err(Rejection::bad("model must be a string")),
    };
    let url = match fields.remove("url") {
        Some(Value::String(url)) if url::Url::parse(&url).is_ok_and(|url| url.has_host()) => url,
        _ => return Err(Rejection::bad("url must be a URL address")),
    };
    Ok(ReceivedSubmission {
        model,
        options: property::validate(fields).map_err(Rejection::bad)?,
        bytes: 0,
        sha256: Sha256Sum(Sha256::digest(&url).into()),
        duration_s: URL_DURATION_S,
        name: url,
    })
}

/// Received form.
///
/// Validation starts after the last part, because a client that is still sending could not read the response. Only too
/// many parts end the reading early.
#[derive(Default)]
struct Form {
    fields: Vec<(String, String)>,
    field_bytes: usize,
    files: Vec<File>,
}

struct File {
    part: String,
    name: String,
    audio: Result<UploadedAudio, TooLarge>,
}

async fn read_form(mut parts: Multipart) -> Result<ReceivedSubmission, Rejection> {
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file_name) => form.files.push(read_file(name, file_name, part).await?),
            None => form.read_text(name, part).await?,
        }
        if form.files.len() > 1 || form.field_bytes > MAX_FIELD_BYTES {
            return Err(Rejection::bad("the form has too many parts"));
        }
    }
    form.validate()
}

async fn read_file(part: String, name: String, mut field: Field<'_>) -> Result<File, Rejection> {
    let mut intake = Intake::new(MAX_UPLOAD_BYTES);
    let mut received = Ok(());
    while let Some(chunk) = field.chunk().await? {
        received = received.and_then(|()| intake.push(&chunk));
    }
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    let extension = Path::new(&name).extension().and_then(|text| text.to_str());
    let audio = received.map(|()| intake.finish(extension));
    Ok(File { part, name, audio })
}

impl Form {
    async fn read_text(&mut self, name: String, mut field: Field<'_>) -> Result<(), Rejection> {
        let mut value = Vec::new();
        self.field_bytes += name.len() + FIELD_OVERHEAD;
        while let Some(chunk) = field.chunk().await? {
            self.field_bytes = self.field_bytes.saturating_add(chunk.len());
            if self.field_bytes <= MAX_FIELD_BYTES {
                value.extend_from_slice(&chunk);
            }
        }
        let value = String::from_utf8_lossy(&value).into_owned();
        self.fields.push((name, value));
        Ok(())
    }

    fn validate(mut self) -> Result<ReceivedSubmission, Rejection> {
        let model = self.fields.iter().position(|(name, _)| name == "model");
        let model = model.ok_or_else(|| Rejection::bad("model must be a string"))?;
        let model = available(self.fields.remove(model).1)?;
        let options = property::from_form(self.fields).map_err(Rejection::bad)?;
        let file_part = property::file_part(&model);
        let Some(file) = self.files.pop() else {
            return Err(Rejection::bad(format!("{file_part} must be a file")));
        };
        if file.part != file_part {
            let message = format!("{} should not exist; {file_part} must be a file", file.part);
            return Err(Rejection::bad(message));
        }
        let audio = file.audio.map_err(|TooLarge| Rejection::too_large())?;
        if audio.bytes == 0 {
            return Err(Rejection::bad(format!("{file_part} is empty")));
        }
        if audio.is_text {
            return Err(Rejection::bad("the audio could not be decoded"));
        }
        if model.starts_with("openai/") && audio.duration_s > MAX_OPENAI_DURATION_S {
            return Err(Rejection::bad(format!(
                "audio duration {} seconds is longer than 1400 seconds which is the maximum for this model",
                audio.duration_s
            )));
        }
        Ok(ReceivedSubmission {
            model,
            options,
            name: file.name,
            bytes: audio.bytes,
            sha256: audio.sha256,
            duration_s: audio.duration_s,
        })
    }
}

fn available(model: String) -> Result<String, Rejection> {
    match property::family(&model) {
        Some(_) => Ok(model),
        None => Err(Rejection::bad(format!("model `{model}` is not available"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    impl ReceivedSubmission {
        /// Returns a submission of 30 seconds, for tests.
        pub(crate) fn example(name: &str) -> Self {
            Self {
                model: "#g1_nova-2-general".to_owned(),
                options: Options::new(),
                name: name.to_owned(),
                bytes: 480_000,
                sha256: Sha256Sum([0xab; 32]),
                duration_s: 30.0,
            }
        }
    }

    fn json_message(body: Value) -> String {
        from_json(body.as_object().unwrap().clone())
            .unwrap_err()
            .message
    }

    #[test]
    fn a_url_is_accepted_with_its_hash() {
        let body = json!({"model": "#g1_whisper-large", "url": "https://example.org/a.mp3", "diarize": true});
        let submission = from_json(body.as_object().unwrap().clone()).unwrap();
        assert_eq!(
            (submission.name.as_str(), submission.bytes),
            ("https://example.org/a.mp3", 0)
        );
        assert_eq!(submission.options["diarize"], true);
    }

    #[test]
    fn invalid_json_bodies_get_a_message() {
        let url = "https://example.org/a.mp3";
        assert_eq!(json_message(json!({"url": url})), "model must be a string");
        assert_eq!(
            json_message(json!({"model": "nova-1", "url": url})),
            "model `nova-1` is not available"
        );
        for wrong in [
            json!(null),
            json!(5),
            json!("a.mp3"),
            json!("file:///etc/passwd"),
        ] {
            assert_eq!(
                json_message(json!({"model": "nova-3", "url": wrong})),
                "url must be a URL address"
            );
        }
        assert_eq!(
            json_message(json!({"model": "nova-3", "url": url, "x": 1})),
            "property x should not exist"
        );
    }
}
