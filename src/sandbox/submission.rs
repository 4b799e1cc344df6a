//! A submission as it came, in a form or as JSON, checked as the service's documents say.

use super::transcript;
use crate::media::duration::duration_of;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::io::{Seek, Write};
use std::path::Path;
use tempfile::SpooledTempFile;

/// Larger uploads are refused, as Deepgram does behind the service.
const MOST_BYTES: u64 = 2 << 30;
/// Up to so many bytes an upload is kept in memory, beyond on disk.
const IN_MEMORY: usize = 1 << 20;
/// Bytes of a JSON body or form field.
const FIELD_BYTES: usize = 64 * 1024;
/// Length that audio is taken to have where its container does not tell, in bytes a second.
const BYTES_A_SECOND: f64 = 16_000.0;
/// Length of the audio behind a URL, which is never fetched.
const URL_DURATION_S: f64 = 60.0;

/// What is to be transcribed.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) model: String,
    pub(super) options: Map<String, Value>,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) duration_s: f64,
}

/// Why a submission is refused: HTTP status and message.
pub(super) type Refusal = (u16, String);

struct Audio {
    field: String,
    name: String,
    bytes: u64,
    sha256: String,
    head: Vec<u8>,
    content: SpooledTempFile,
}

fn bad(message: impl Into<String>) -> Refusal {
    (400, message.into())
}

/// Reads the whole request.
pub(super) async fn read(request: Request) -> Result<Submission, Refusal> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        let form = Multipart::from_request(request, &())
            .await
            .map_err(|error| bad(error.to_string()))?;
        read_form(form).await
    } else if kind.starts_with("application/json") {
        let body = axum::body::to_bytes(request.into_body(), FIELD_BYTES).await;
        read_json(&body.map_err(|error| bad(error.to_string()))?)
    } else {
        Err((
            415,
            "expected multipart/form-data or application/json".to_owned(),
        ))
    }
}

fn read_json(body: &Bytes) -> Result<Submission, Refusal> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let url = match fields.remove("url") {
        Some(Value::String(url)) if url.starts_with("http://") || url.starts_with("https://") => {
            url
        }
        _ => return Err(bad("url must be a URL")),
    };
    let (model, options) = checked(fields)?;
    Ok(Submission {
        model,
        options,
        bytes: 0,
        sha256: format!("{:x}", Bytes::copy_from_slice(&Sha256::digest(&url))),
        duration_s: URL_DURATION_S,
        name: url,
    })
}

async fn read_form(mut form: Multipart) -> Result<Submission, Refusal> {
    let broken = |error: MultipartError| (error.status().as_u16(), error.body_text());
    let mut fields = Map::new();
    let mut audio = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            audio = Some(read_audio(name, field).await?);
        } else {
            let text = field.text().await.map_err(broken)?;
            if text.len() > FIELD_BYTES {
                return Err(bad(format!("{name} is too long")));
            }
            add(&mut fields, name, text);
        }
    }
    let (model, options) = checked(fields)?;
    let audio = audio.ok_or_else(|| bad("audio must be a file"))?;
    let wanted = if model.starts_with("openai/") {
        "file"
    } else {
        "audio"
    };
    if audio.field != wanted {
        return Err(bad(format!(
            "{} should not exist; {wanted} must be a file",
            audio.field
        )));
    }
    if audio.bytes == 0 {
        return Err(bad("the audio is empty"));
    }
    if audio
        .head
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        return Err(bad(
            "the audio could not be decoded: corrupt or unsupported data",
        ));
    }
    let (name, bytes, sha256) = (audio.name.clone(), audio.bytes, audio.sha256.clone());
    let measured = tokio::task::spawn_blocking(move || duration(audio)).await;
    let duration_s = measured.map_err(|error| (500, error.to_string()))?;
    Ok(Submission {
        model,
        options,
        name,
        bytes,
        sha256,
        duration_s,
    })
}

/// Form fields are text; what they stand for is told by what they look like, as the service does. A repeated one is a
/// list.
fn add(fields: &mut Map<String, Value>, name: String, text: String) {
    let value = match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if name == "utt_split" => text.parse::<f64>().map_or(Value::String(text), Value::from),
        _ if name == "tag" => Value::from(vec![text]),
        _ => Value::String(text),
    };
    match (fields.get_mut(&name), value) {
        (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
        (Some(Value::Array(items)), value) => items.push(value),
        (Some(first), value) => *first = Value::from(vec![first.take(), value]),
        (None, value) => {
            fields.insert(name, value);
        }
    }
}

async fn read_audio(field_name: String, mut field: Field<'_>) -> Result<Audio, Refusal> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut content = SpooledTempFile::new(IN_MEMORY);
    let mut hash = Sha256::new();
    let (mut bytes, mut head) = (0, Vec::new());
    while let Some(chunk) = field
        .chunk()
        .await
        .map_err(|error| (error.status().as_u16(), error.body_text()))?
    {
        bytes += chunk.len() as u64;
        if bytes > MOST_BYTES {
            return Err((413, "the audio is larger than 2 GB".to_owned()));
        }
        hash.update(&chunk);
        let missing = 512_usize.saturating_sub(head.len()).min(chunk.len());
        head.extend_from_slice(&chunk[..missing]);
        content
            .write_all(&chunk)
            .map_err(|error| (500, error.to_string()))?;
    }
    let sha256 = format!("{:x}", Bytes::copy_from_slice(&hash.finalize()));
    Ok(Audio {
        field: field_name,
        name,
        bytes,
        sha256,
        head,
        content,
    })
}

fn duration(mut audio: Audio) -> f64 {
    let estimate = audio.bytes as f64 / BYTES_A_SECOND;
    let extension = Path::new(&audio.name)
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_lowercase);
    if audio.content.rewind().is_err() {
        return estimate;
    }
    duration_of(audio.content, audio.bytes, extension.as_deref()).unwrap_or(estimate)
}

/// The values an option takes, as the service's documents have them.
fn takes(name: &str, value: &Value) -> Option<bool> {
    let is_texts = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string))
    };
    Some(match name {
        "detect_language" | "detect_entities" | "detect_topics" | "diarize" | "dictation"
        | "filler_words" | "intents" | "measurements" | "multi_channel" | "numerals"
        | "paragraphs" | "profanity_filter" | "punctuate" | "sentiment" | "smart_format"
        | "topics" | "utterances" => value.is_boolean(),
        "custom_intent" | "custom_topic" => value.is_string() || is_texts(value),
        "custom_intent_mode" | "custom_topic_mode" => {
            matches!(value.as_str(), Some("strict" | "extended"))
        }
        "diarize_version" | "extra" | "keywords" | "language" | "search" | "summarize" => {
            value.is_string()
        }
        "tag" => is_texts(value),
        "utt_split" => value.is_number(),
        _ => return None,
    })
}

fn checked(mut fields: Map<String, Value>) -> Result<(String, Map<String, Value>), Refusal> {
    let model = match fields.remove("model") {
        Some(Value::String(model)) if transcript::is_model(&model) => model,
        Some(other) => {
            return Err(bad(format!(
                "model {other} is not one of the following values"
            )));
        }
        None => return Err(bad("model is required")),
    };
    for (name, value) in &fields {
        match takes(name, value) {
            Some(true) => {}
            Some(false) => return Err(bad(format!("{name} has a value of the wrong type"))),
            None => return Err(bad(format!("property {name} should not exist"))),
        }
    }
    Ok((model, fields))
}
