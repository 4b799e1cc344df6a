//! The object around a result: a status, `result` or `output`, and an `error`. A bare result has no envelope.

use crate::domain::one_line;
use crate::domain::{ErrorClass, Failure, GenerationId};
use crate::provider::aimlapi::call::Completed;
use crate::provider::aimlapi::errors::json_message;
use crate::provider::aimlapi::identity::AnswerIdentity;
use crate::provider::result::transcript::{looks_like_result, transcript_of};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_json_borrow::Value as Borrowed;
use std::borrow::Cow;

/// Response to a poll, and the recording that it names.
#[derive(Debug, Clone, PartialEq)]
pub struct PollAnswer {
    /// Content of the response.
    pub response: PollResponse,
    /// Identifiers in the response.
    pub identity: AnswerIdentity,
}

/// Response to a poll.
#[derive(Debug, Clone, PartialEq)]
pub enum PollResponse {
    /// The job is still running.
    InProgress {
        /// Status word that this version does not know, for the log.
        unknown: Option<String>,
    },
    /// The job succeeded. The transcript may be empty.
    Completed(Completed),
    /// The job succeeded, but its result is missing or null.
    WithoutResult,
    /// The job failed and will never have a result.
    Failed(Failure),
}

/// Response to a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum CreateResponse {
    /// The submission was accepted. Results are polled under this ID.
    Generation(GenerationId),
    /// The submission was accepted, and the response already contains the result.
    Completed(Completed),
    /// The submission was not accepted.
    Failed(Failure),
}

/// Error for a response that is not JSON or lacks the expected fields.
#[derive(Debug, Default, thiserror::Error)]
#[error("the service's response cannot be parsed")]
pub struct InvalidResponse(#[source] Option<serde_json::Error>);

impl From<serde_json::Error> for InvalidResponse {
    fn from(error: serde_json::Error) -> Self {
        Self(Some(error))
    }
}

/// Unparsed fields of the envelope. Each may be absent, null or of an unexpected type.
#[derive(Deserialize, Default)]
struct RawEnvelope<'a> {
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    generation_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum JobStatus {
    InProgress,
    Success,
    Failure,
    Unknown(String),
    Absent,
}

impl JobStatus {
    fn of(word: Option<&RawValue>) -> Self {
        let Some(word) = word.and_then(text) else {
            return Self::Absent;
        };
        match word.trim().to_ascii_lowercase().as_str() {
            "waiting" | "active" | "queued" | "generating" | "processing" | "pending"
            | "running" | "in_progress" => Self::InProgress,
            "completed" | "succeeded" | "success" | "done" | "finished" => Self::Success,
            "error" | "failed" | "cancelled" | "canceled" | "timeout" | "expired" => Self::Failure,
            "" => Self::Absent,
            _ => Self::Unknown(one_line(&word)),
        }
    }
}

/// Reads the response to a poll.
///
/// # Errors
/// Returns an error if the body is not a JSON object, or if the result is nested too deeply.
pub fn read_poll_response(body: &[u8]) -> Result<PollAnswer, InvalidResponse> {
    let text = decode(body);
    let (envelope, whole) = parse(&text)?;
    let (response, sha256) = response(&text, &envelope, &whole)?;
    let identity = AnswerIdentity {
        generation: generation_of(&envelope, looks_like_result(&whole)),
        sha256,
    };
    Ok(PollAnswer { response, identity })
}

/// Returns the generation that the envelope names. The `id` of a bare result is its vendor's.
fn generation_of(envelope: &RawEnvelope<'_>, is_bare: bool) -> Option<String> {
    let id = non_null(envelope.id).filter(|_| !is_bare);
    non_null(envelope.generation_id).or(id).and_then(scalar)
}

/// Returns the content of a response, and the SHA-256 that its result names.
fn response(
    text: &str,
    envelope: &RawEnvelope<'_>,
    whole: &Borrowed<'_>,
) -> Result<(PollResponse, Option<String>), InvalidResponse> {
    let result = non_null(envelope.result).or(non_null(envelope.output));
    let bare = || looks_like_result(whole).then_some(text.trim());
    let error = non_null(envelope.error).and_then(error_message);
    let other = match JobStatus::of(envelope.status) {
        JobStatus::InProgress => return Ok((PollResponse::InProgress { unknown: None }, None)),
        JobStatus::Failure => {
            let failure = failure(error.unwrap_or_default());
            return Ok((PollResponse::Failed(failure), None));
        }
        other => other,
    };
    let usable = match result {
        Some(raw) if other == JobStatus::Success || looks_like_result(&value(raw)?) => Some(raw),
        Some(_) => None,
        None => bare(),
    };
    Ok(match (usable, error, other) {
        (Some(raw), _, _) => {
            let (completed, sha256) = completed(raw)?;
            (PollResponse::Completed(completed), sha256)
        }
        (None, Some(error), _) => (PollResponse::Failed(failure(error)), None),
        (None, None, JobStatus::Success) => (PollResponse::WithoutResult, None),
        (None, None, JobStatus::Unknown(word)) => {
            let unknown = Some(word);
            (PollResponse::InProgress { unknown }, None)
        }
        (None, None, _) => (PollResponse::InProgress { unknown: None }, None),
    })
}

/// Reads the response to a submission in the two-step flow.
///
/// # Errors
/// Returns an error if the body is not a JSON object, or contains neither a generation ID nor a result nor an error.
pub fn read_create_response(body: &[u8]) -> Result<CreateResponse, InvalidResponse> {
    let text = decode(body);
    let (envelope, _) = parse(&text)?;
    if let PollResponse::Completed(completed) = read_poll_response(body)?.response {
        return Ok(CreateResponse::Completed(completed));
    }
    let id = non_null(envelope.generation_id)
        .or(non_null(envelope.id))
        .and_then(scalar);
    match id.and_then(GenerationId::new) {
        Some(id) => Ok(CreateResponse::Generation(id)),
        None => match non_null(envelope.error).and_then(error_message) {
            Some(error) => Ok(CreateResponse::Failed(failure(error))),
            None => Err(InvalidResponse(None)),
        },
    }
}

/// Reads the response to a submission in the legacy flow, where the response is the bare result.
///
/// The service has charged for the response, so any JSON object that reports neither a job nor a failure is a result.
///
/// # Errors
/// Returns an error if the body is not a JSON object, or if the result is nested too deeply.
pub fn read_legacy_response(body: &[u8]) -> Result<CreateResponse, InvalidResponse> {
    match read_poll_response(body)?.response {
        PollResponse::Completed(completed) => Ok(CreateResponse::Completed(completed)),
        PollResponse::Failed(failure) => Ok(CreateResponse::Failed(failure)),
        PollResponse::InProgress { .. } | PollResponse::WithoutResult => read_create_response(body)
            .or_else(|_| Ok(CreateResponse::Completed(completed(decode(body).trim())?.0))),
    }
}

fn decode(body: &[u8]) -> Cow<'_, str> {
    // A paid transcript with one invalid byte is still a transcript.
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()),
    }
}

/// Parses the envelope. The second value is the whole body if it has no `result` and no `output`, otherwise null.
fn parse(text: &str) -> Result<(RawEnvelope<'_>, Borrowed<'_>), InvalidResponse> {
    if !text.trim_start().starts_with('{') {
        return Err(InvalidResponse(None));
    }
    let envelope: RawEnvelope<'_> =
        serde_json::from_str(text).map_err(|error| InvalidResponse(Some(error)))?;
    let is_bare = non_null(envelope.result).is_none() && non_null(envelope.output).is_none();
    let whole = if is_bare {
        value(text)?
    } else {
        Borrowed::Null
    };
    Ok((envelope, whole))
}

fn value(raw: &str) -> Result<Borrowed<'_>, InvalidResponse> {
    serde_json::from_str(raw).map_err(|error| InvalidResponse(Some(error)))
}

/// Reads a result. The second value is the SHA-256 of the audio that it names.
fn completed(raw: &str) -> Result<(Completed, Option<String>), InvalidResponse> {
    let result = value(raw)?;
    let sha256 = result.get("metadata").get("sha256").as_str();
    let completed = Completed {
        transcript: transcript_of(&result),
        raw: raw.to_owned(),
    };
    Ok((completed, sha256.map(str::to_owned)))
}

fn non_null(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|raw| *raw != "null")
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn scalar(raw: &str) -> Option<String> {
    match serde_json::from_str(raw).ok()? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the message of an `error` field.
///
/// Returns `None` for a value that means no error (`null`, `""`, `false`, `{}`).
fn error_message(raw: &str) -> Option<String> {
    match serde_json::from_str(raw).ok()? {
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

fn failure(message: String) -> Failure {
    let reason = if message.is_empty() {
        "no reason given".to_owned()
    } else {
        message
    };
    Failure::new(
        ErrorClass::Transcription,
        format!("the service could not transcribe the recording: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RESULT: &str =
        r#"{"results":{"channels":[{"alternatives":[{"transcript":"hello","words":[]}]}]}}"#;

    fn read(body: &str) -> PollResponse {
        read_poll_response(body.as_bytes()).unwrap().response
    }

    fn text_of(body: &str) -> Option<String> {
        match read(body) {
            PollResponse::Completed(completed) => Some(completed.transcript.text),
            _ => None,
        }
    }

    fn is_failed(body: &str) -> bool {
        matches!(read(body), PollResponse::Failed(_))
    }

    fn is_in_progress(body: &str) -> bool {
        matches!(read(body), PollResponse::InProgress { .. })
    }

    #[test]
    fn every_running_status_word_is_known() {
        let words = [
            "waiting",
            "active",
            "queued",
            "generating",
            "processing",
            "pending",
            "running",
            "in_progress",
        ];
        for word in words {
            for word in [word.to_owned(), format!("  {} ", word.to_uppercase())] {
                assert_eq!(
                    read(&format!(r#"{{"status":"{word}","result":null}}"#)),
                    PollResponse::InProgress { unknown: None }
                );
            }
        }
    }

    #[test]
    fn success_status_words_give_the_result() {
        for word in [
            "completed",
            "succeeded",
            "success",
            "done",
            "finished",
            "Completed ",
        ] {
            for key in ["result", "output"] {
                assert_eq!(
                    text_of(&format!(r#"{{"status":"{word}","{key}":{RESULT}}}"#)).unwrap(),
                    "hello",
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn failure_status_words_give_the_reason() {
        for word in [
            "error",
            "failed",
            "cancelled",
            "canceled",
            "timeout",
            "expired",
            "ERROR",
        ] {
            let body = format!(
                r#"{{"status":"{word}","error":{{"name":"BadAudio","message":"cannot decode"}}}}"#
            );
            let PollResponse::Failed(failure) = read(&body) else {
                panic!("{word}")
            };
            assert_eq!(
                failure.message,
                "the service could not transcribe the recording: BadAudio: cannot decode"
            );
            assert!(is_failed(&format!(r#"{{"status":"{word}"}}"#)));
        }
        let PollResponse::Failed(failure) = read(r#"{"status":"error","error":"no audio"}"#) else {
            panic!()
        };
        assert_eq!(
            failure.message,
            "the service could not transcribe the recording: no audio"
        );
    }

    #[test]
    fn content_decides_for_an_unknown_status() {
        assert_eq!(
            text_of(&format!(r#"{{"status":"ready","result":{RESULT}}}"#)).unwrap(),
            "hello"
        );
        assert_eq!(
            text_of(&format!(r#"{{"result":{RESULT}}}"#)).unwrap(),
            "hello"
        );
        assert!(is_failed(r#"{"status":"odd","error":{"message":"no"}}"#));
        assert!(is_in_progress(r#"{"generation_id":"x"}"#));
        assert!(is_in_progress(r#"{"status":7}"#));
        assert_eq!(
            read(r#"{"status":"odd","result":null}"#),
            PollResponse::InProgress {
                unknown: Some("odd".to_owned())
            }
        );
        assert!(is_in_progress(r#"{"status":"odd","result":{}}"#));
    }

    #[test]
    fn a_completed_response_without_words_is_silence() {
        let silences = [
            "{}",
            r#"{"results":null}"#,
            r#"{"results":{"channels":[]}}"#,
            r#"{"results":{"channels":[{"alternatives":[]}]}}"#,
            r#"{"results":{"channels":[{"alternatives":[{"transcript":"","words":[]}]}]}}"#,
            r#"{"text":null}"#,
        ];
        for silence in silences {
            for body in [
                format!(r#"{{"status":"completed","result":{silence}}}"#),
                format!(r#"{{"status":"completed","output":{silence},"error":null}}"#),
            ] {
                let PollResponse::Completed(completed) = read(&body) else {
                    panic!("{body}")
                };
                assert!(completed.transcript.is_silent(), "{body}");
                assert_eq!(completed.raw, silence);
            }
        }
    }

    #[test]
    fn a_null_or_missing_result_is_not_silence() {
        for body in [
            r#"{"status":"completed"}"#,
            r#"{"id":"g","status":"completed","result":null}"#,
            r#"{"status":"succeeded","result":null,"output":null,"error":null}"#,
        ] {
            assert_eq!(read(body), PollResponse::WithoutResult, "{body}");
        }
    }

    #[test]
    fn the_generation_and_the_hash_of_the_audio_are_read() {
        let identity = |body: &str| {
            let identity = read_poll_response(body.as_bytes()).unwrap().identity;
            (identity.generation, identity.sha256)
        };
        let some = |text: &str| Some(text.to_owned());
        let with_hash =
            r#"{"id":"g","status":"completed","result":{"metadata":{"sha256":"ab"},"results":{}}}"#;
        assert_eq!(identity(with_hash), (some("g"), some("ab")));
        let both = r#"{"id":"x","generation_id":"g","status":"waiting"}"#;
        assert_eq!(identity(both), (some("g"), None));
        let nested = r#"{"status":"completed","result":{"id":"vendor","text":"x"}}"#;
        assert_eq!(identity(nested), (None, None));
        let bare = r#"{"id":"vendor","status":"completed","text":"x"}"#;
        assert_eq!(identity(bare), (None, None));
    }

    #[test]
    fn the_result_is_kept_byte_for_byte() {
        let odd = "{ \"text\" : \"h\\u00e9\",\"n\":1.50,\n \"z\":[ ] }";
        let PollResponse::Completed(completed) =
            read(&format!(r#"{{"status":"completed","result":{odd}}}"#))
        else {
            panic!()
        };
        assert_eq!(completed.raw, odd);
    }

    #[test]
    fn status_and_id_inside_the_result_are_ignored() {
        let nested =
            r#"{"status":"queued","result":{"status":"completed","id":"other","text":"x"}}"#;
        assert!(is_in_progress(nested));
        assert_eq!(
            text_of(r#"{"id":"other","status":"completed","text":"bare"}"#).unwrap(),
            "bare"
        );
    }

    #[test]
    fn generation_ids_are_read_from_several_fields() {
        let id = |body: &str| match read_create_response(body.as_bytes()) {
            Ok(CreateResponse::Generation(id)) => Some(id.as_str().to_owned()),
            _ => None,
        };
        assert_eq!(
            id(r#"{"generation_id":"h66460ba-0562"}"#).unwrap(),
            "h66460ba-0562"
        );
        assert_eq!(
            id(r#"{"generation_id":"V1St_GXR8-Z5jdHi6B_my","status":"queued"}"#).unwrap(),
            "V1St_GXR8-Z5jdHi6B_my"
        );
        assert_eq!(id(r#"{"id":"x"}"#).unwrap(), "x");
        assert_eq!(id(r#"{"generation_id":12}"#).unwrap(), "12");
        assert_eq!(id(r#"{"generation_id":"a","error":null}"#).unwrap(), "a");
        for nothing in [
            "{}",
            r#"{"generation_id":null}"#,
            r#"{"generation_id":" "}"#,
            "[]",
            "",
            "<html>",
        ] {
            assert!(
                read_create_response(nothing.as_bytes()).is_err(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn create_may_return_a_result_or_an_error() {
        let body = format!(r#"{{"generation_id":"a","status":"completed","result":{RESULT}}}"#);
        assert!(matches!(
            read_create_response(body.as_bytes()),
            Ok(CreateResponse::Completed(_))
        ));
        assert!(matches!(
            read_create_response(br#"{"error":{"message":"no"}}"#),
            Ok(CreateResponse::Failed(_))
        ));
    }

    #[test]
    fn the_legacy_response_is_the_result() {
        let text = |body: &str| match read_legacy_response(body.as_bytes()) {
            Ok(CreateResponse::Completed(completed)) => completed.transcript.text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(RESULT), "hello");
        assert_eq!(text(r#"{"text":"bare"}"#), "bare");
        assert_eq!(text(r#"{"metadata":{"duration":1},"results":null}"#), "");
        assert_eq!(text("{}"), "");
        assert_eq!(
            text(&format!(r#"{{"status":"completed","result":{RESULT}}}"#)),
            "hello"
        );
        assert!(matches!(
            read_legacy_response(br#"{"generation_id":"g","status":"waiting"}"#),
            Ok(CreateResponse::Generation(_))
        ));
        assert!(read_legacy_response(b"<html>").is_err());
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = format!(
            r#"{{"status":"completed","result":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(read_poll_response(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_byte_order_mark_and_invalid_utf8_are_accepted() {
        let mut body =
            b"\xef\xbb\xbf{\"status\":\"completed\",\"result\":{\"text\":\"a\xffb\"}}".to_vec();
        assert!(matches!(
            read_poll_response(&body),
            Ok(PollAnswer {
                response: PollResponse::Completed(_),
                ..
            })
        ));
        body.truncate(20);
        assert!(read_poll_response(&body).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read_poll_response(&body), read_create_response(&body), read_legacy_response(&body));
        }

        #[test]
        fn arbitrary_json_never_panics(status in ".{0,12}", result in json(), error in json()) {
            let body = serde_json::json!({"status": status, "result": result, "error": error}).to_string();
            let _ = read_poll_response(body.as_bytes());
            let _ = read_poll_response(result.to_string().as_bytes());
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z ]{0,9}".prop_map(Value::from)
        ];
        let key = prop_oneof![
            Just("results"),
            Just("channels"),
            Just("alternatives"),
            Just("words"),
            Just("paragraphs"),
            Just("sentences"),
            Just("utterances"),
            Just("text"),
            Just("start"),
            Just("end"),
            Just("speaker"),
            Just("metadata"),
            Just("duration")
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect())
            ]
        })
    }
}
