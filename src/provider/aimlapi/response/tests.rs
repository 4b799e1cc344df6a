use super::*;
use proptest::prelude::*;
use serde_json::Value;

const RESULT: &str =
    r#"{"results":{"channels":[{"alternatives":[{"transcript":"hello","words":[]}]}]}}"#;

fn try_read(body: impl AsRef<[u8]>) -> Result<PollStatus, InvalidResponse> {
    let expected = Expected {
        generation: GenerationId::new("g").unwrap(),
        sha256: Some("0".repeat(64)),
    };
    read_poll_response(body.as_ref().to_owned().into(), &expected)
}

fn read(body: impl AsRef<[u8]>) -> PollStatus {
    try_read(body).unwrap()
}

fn text_of(body: impl AsRef<[u8]>) -> Option<String> {
    match read(body) {
        PollStatus::Completed(completed) => Some(completed.transcript.text),
        _ => None,
    }
}

fn result_json(completed: &Completed) -> String {
    let mut json = Vec::new();
    completed
        .result_json()
        .unwrap()
        .write_to(&mut json)
        .unwrap();
    String::from_utf8(json).unwrap()
}

fn failure_of(body: &str) -> Option<String> {
    match read(body) {
        PollStatus::Failed(failure) => Some(failure.message),
        _ => None,
    }
}

/// Returns why an answer cannot be used.
fn unusable(body: impl AsRef<[u8]>) -> Option<String> {
    match read(body) {
        PollStatus::Unusable(answer) => Some(answer.failure.message),
        _ => None,
    }
}

#[test]
fn a_running_job_is_in_progress_even_with_a_partial_result() {
    for rest in ["", r#","result":null"#, r#","result":{"text":"partial"}"#] {
        let body = format!(r#"{{"id":"g","status":"Waiting"{rest}}}"#);
        assert_eq!(read(&body), PollStatus::InProgress);
    }
}

#[test]
fn the_result_is_in_either_field() {
    for fields in [
        format!(r#""result":{RESULT}"#),
        format!(r#""output":{RESULT}"#),
        format!(r#""result":null,"output":{RESULT}"#),
    ] {
        let body = format!(r#"{{"status":"completed",{fields}}}"#);
        assert_eq!(text_of(&body).unwrap(), "hello", "{body}");
    }
}

#[test]
fn a_failed_job_gives_the_reason() {
    for (error, reason) in [
        (
            r#"{"name":"BadAudio","message":"cannot decode"}"#,
            "BadAudio: cannot decode",
        ),
        (r#""no audio""#, "no audio"),
        ("null", "no reason given"),
    ] {
        let failure = format!("the service could not transcribe the recording: {reason}");
        let body = format!(r#"{{"status":"error","error":{error}}}"#);
        assert_eq!(failure_of(&body).unwrap(), failure);
    }
    assert!(failure_of(r#"{"status":"completed","error":"no"}"#).is_some());
}

#[test]
fn content_decides_for_an_unknown_status() {
    let with_result = format!(r#"{{"status":"ready","result":{RESULT}}}"#);
    assert_eq!(text_of(with_result).unwrap(), "hello");
    let without_status = format!(r#"{{"result":{RESULT}}}"#);
    assert_eq!(text_of(without_status).unwrap(), "hello");
    assert_eq!(text_of(r#"{"data":{"text":"hello"}}"#).unwrap(), "hello");
    let silence = r#"{"status":"ready","result":{"results":{"channels":[]}}}"#;
    assert_eq!(text_of(silence).unwrap(), "");
    assert!(failure_of(r#"{"status":"odd","error":{"message":"no"}}"#).is_some());
    for body in [
        r#"{"generation_id":"g"}"#,
        r#"{"status":7}"#,
        r#"{"status":"odd","result":{}}"#,
        r#"{"status":"odd","result":null}"#,
        r#"{"status":"odd","text":null}"#,
        r#"{"status":"odd","message":{"text":"please wait"}}"#,
    ] {
        assert!(unusable(body).is_some(), "{body}");
    }
}

#[test]
fn a_completed_response_without_words_is_silence() {
    for silence in [
        "{}",
        r#"{"results":null}"#,
        r#"{"results":{"channels":[{"alternatives":[]}]}}"#,
        r#"{"results":{"channels":[{"alternatives":[{"transcript":"","words":[]}]}]}}"#,
        r#"{"text":null}"#,
        r#""""#,
    ] {
        for body in [
            format!(r#"{{"status":"completed","result":{silence}}}"#),
            format!(r#"{{"status":"completed","output":{silence},"error":null}}"#),
        ] {
            let PollStatus::Completed(completed) = read(&body) else {
                panic!("{body}")
            };
            assert!(completed.transcript.is_silent(), "{body}");
            assert_eq!(result_json(&completed), silence);
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
        let PollStatus::WithoutResult(silence) = read(body) else {
            panic!("{body}")
        };
        assert_eq!(silence.body, body.as_bytes().to_vec().into());
        assert!(silence.transcript.is_silent());
    }
}

#[test]
fn words_outside_of_a_result_are_found() {
    let body =
        r#"{"status":"completed","id":"g","answer":{"parts":[{"text":"hello"},{"text":"you"}]}}"#;
    assert_eq!(text_of(body).unwrap(), "hello\nyou");
}

#[test]
fn the_answer_is_kept_byte_for_byte() {
    let odd = "{ \"text\" : \"h\\u00e9\",\"n\":1.50,\n \"z\":[ ] }";
    let body = format!(" {{\"status\":\"completed\", \"result\": {odd} ,\"x\":1}}\n");
    let PollStatus::Completed(completed) = read(&body) else {
        panic!()
    };
    assert_eq!(completed.body, body.as_bytes().to_vec().into());
    assert_eq!(result_json(&completed), odd);
    assert_eq!(Completed::from_body(body.into_bytes()).unwrap(), completed);
}

#[test]
fn a_stored_result_without_an_envelope_is_read() {
    for (stored, text) in [
        (RESULT, "hello"),
        (r#"{"id":"vendor","status":"queued","text":"bare"}"#, "bare"),
        ("null", ""),
        ("", ""),
    ] {
        let completed = Completed::from_body(stored.as_bytes().to_vec()).unwrap();
        assert_eq!(completed.transcript.text, text);
        let json = if text.is_empty() { "null" } else { stored };
        assert_eq!(result_json(&completed), json);
    }
}

#[test]
fn answers_that_strict_parsers_reject_are_read() {
    let deep = format!(
        r#"{{"status":"completed","result":{{"text":"hello","x":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let bodies: [(&[u8], &str); 9] = [
        (
            br#"{"status":"x","status":"completed","result":{"text":"a","text":"hello"}}"#,
            "hello",
        ),
        (
            br#"{"status":"completed","result":{"text":"hello","c":NaN,"d":[-Infinity]}}"#,
            "hello",
        ),
        (
            br#"{"status":"completed","result":{"text":"hel\ud800lo"}}"#,
            "hel\u{fffd}lo",
        ),
        (
            b"{\"status\":\"completed\",\"result\":{\"text\":\"hel\xfflo\"}}",
            "hel\u{fffd}lo",
        ),
        (
            b"\xef\xbb\xbf{\"status\":\"completed\",\"result\":{\"text\":\"hello\"}}",
            "hello",
        ),
        (
            br#"{"status":"completed","result":{"text":"hello"}} trailing {}"#,
            "hello",
        ),
        (
            b"{\"status\":\"completed\",\"result\":{\"text\":\"hel\nlo\"}}",
            "hel\nlo",
        ),
        (
            br#"{"status":"completed","result":{"text":"hello",},}"#,
            "hello",
        ),
        (deep.as_bytes(), "hello"),
    ];
    for (body, text) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]);
        let PollStatus::Completed(completed) = read(body) else {
            panic!("{shown}")
        };
        assert_eq!(completed.transcript.text, text, "{shown}");
        assert_eq!(completed.body, body.to_vec().into());
        let json: Value = serde_json::from_str(&result_json(&completed)).unwrap();
        assert_eq!(json["text"], text, "{shown}");
    }
}

#[test]
fn incomplete_and_damaged_answers_are_unusable() {
    for body in [
        &br#"{"status":"completed","result":{"text":"hel"#[..],
        br#"{"status":"completed","#,
        br#"{"status" "completed"}"#,
        br#"{"status":"completed" <}"#,
    ] {
        assert!(unusable(body).is_some());
    }
    for body in ["", "[]", "<html>", "null", "\"text\""] {
        assert!(try_read(body).is_err(), "{body}");
    }
}

#[test]
fn an_answer_of_another_recording_is_unusable() {
    let other_audio = format!(
        r#"{{"status":"completed","result":{{"metadata":{{"sha256":"{}"}},"text":"x"}}}}"#,
        "f".repeat(64)
    );
    assert!(unusable(other_audio).unwrap().contains("another recording"));
    for body in [
        r#"{"id":"other","status":"completed","result":{"text":"x"}}"#,
        r#"{"id":"g","generation_id":"other","status":"waiting"}"#,
        r#"{"id":"other","status":"error","error":"no"}"#,
    ] {
        assert!(unusable(body).unwrap().contains("another generation"));
    }
    for body in [
        r#"{"id":"x","generation_id":"g","status":"completed","result":{"text":"x"}}"#,
        r#"{"status":"completed","result":{"id":"vendor","text":"x"}}"#,
        r#"{"id":"vendor","status":"completed","text":"x"}"#,
    ] {
        assert_eq!(text_of(body).unwrap(), "x", "{body}");
    }
}

#[test]
fn generation_ids_are_read_from_several_fields() {
    let id = |body: &str| match read_create_response(body.as_bytes().to_vec().into()) {
        Ok(CreateResponse::Generation(id)) => Some(id.as_str().to_owned()),
        _ => None,
    };
    for (body, expected) in [
        (r#"{"generation_id":"h66460ba-0562"}"#, "h66460ba-0562"),
        (r#"{"generation_id":"a_b-c","status":"queued"}"#, "a_b-c"),
        (
            r#"{"generation_id":"a","status":"success","info":{"text":"x"}}"#,
            "a",
        ),
        (r#"{"generation_id":"a","data":{"text":"x"}}"#, "a"),
        (r#"{"id":"x"}"#, "x"),
        (r#"{"generation_id":12}"#, "12"),
        (r#"{"generation_id":"a","error":null}"#, "a"),
    ] {
        assert_eq!(id(body).as_deref(), Some(expected), "{body}");
    }
    for nothing in [
        "{}",
        r#"{"generation_id":null}"#,
        r#"{"generation_id":" "}"#,
        "[]",
        "",
        "<html>",
    ] {
        assert!(
            read_create_response(nothing.as_bytes().to_vec().into()).is_err(),
            "{nothing}"
        );
    }
}

#[test]
fn create_may_return_a_result_or_an_error() {
    let body = format!(r#"{{"generation_id":"a","status":"completed","result":{RESULT}}}"#);
    assert!(matches!(
        read_create_response(body.as_bytes().to_vec().into()),
        Ok(CreateResponse::Completed(_))
    ));
    assert!(matches!(
        read_create_response(br#"{"error":{"message":"no"}}"#.to_vec().into()),
        Ok(CreateResponse::Failed(_))
    ));
}

#[test]
fn the_legacy_response_is_the_result() {
    let text = |body: &str| match read_legacy_response(body.as_bytes().to_vec().into()) {
        Ok(CreateResponse::Completed(completed)) => completed.transcript.text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text(RESULT), "hello");
    assert_eq!(text(r#"{"text":"bare"}"#), "bare");
    assert_eq!(text(r#"{"id":"vendor","text":null}"#), "");
    assert_eq!(text(r#"{"metadata":{"duration":1},"results":null}"#), "");
    assert_eq!(text("{}"), "");
    let unknown = r#"{"speech":[{"text":"Hi."}]}"#;
    assert_eq!(text(unknown), "Hi.");
    let stored = Completed::from_body(unknown.as_bytes().to_vec());
    assert_eq!(stored.unwrap().transcript.text, "Hi.");
    assert_eq!(
        text(&format!(r#"{{"status":"completed","result":{RESULT}}}"#)),
        "hello"
    );
    assert!(matches!(
        read_legacy_response(br#"{"generation_id":"g","status":"waiting"}"#.to_vec().into()),
        Ok(CreateResponse::Generation(_))
    ));
    assert!(read_legacy_response(b"<html>".to_vec().into()).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>, json in r#"\{("status"|"result"|"text"|[\[\]{}:,"\\nul0-9. ]){0,40}"#) {
        for body in [body, json.into_bytes()] {
            let _ = (try_read(&body), read_create_response(body.clone().into()), read_legacy_response(body.clone().into()));
            let json = result_json(&Completed::from_body(body).unwrap());
            prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{}", json);
        }
    }

    #[test]
    fn arbitrary_json_never_panics(status in ".{0,12}", result in json(), error in json()) {
        let body = serde_json::json!({"status": status, "result": result, "error": error}).to_string();
        let _ = try_read(&body);
        if !result.is_null() {
            let completed = Completed::from_body(body.clone().into_bytes()).unwrap();
            prop_assert_eq!(result_json(&completed), result.to_string());
        }
        let _ = try_read(result.to_string());
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z ]{0,9}".prop_map(Value::from)
    ];
    let key = proptest::sample::select(vec![
        "results",
        "channels",
        "alternatives",
        "words",
        "paragraphs",
        "sentences",
        "utterances",
        "segments",
        "text",
        "start",
        "end",
        "speaker",
        "metadata",
        "duration",
        "data",
    ]);
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

#[test]
fn a_large_answer_is_kept_compressed() {
    let words = vec![json_word(); 20_000].join(",");
    let result = format!(r#"{{"words":[{words}]}}"#);
    let body = format!(r#"{{"status":"completed","result":{result}}}"#);
    let compressed = Body::arrived(body.as_bytes());
    assert!(matches!(compressed, Body::Compressed(_)));
    let completed = Completed::from_body(compressed).unwrap();
    assert_eq!(completed.transcript.words.len(), 20_000);
    assert!(completed.body.memory_bytes() < body.len() / 10);
    assert_eq!(result_json(&completed), result);
    assert!(Completed::from_body(Body::Compressed(b"damaged".as_slice().into())).is_err());
}

#[test]
fn a_large_result_is_corrected_in_compressed_memory() {
    let words = vec![json_word(); 20_000].join(",");
    let body = |number: &str| {
        let result = format!(r#"{{"words":[{words}],"score":{number}}}"#);
        format!(r#"{{"status":"completed","result":{result}}}"#)
    };
    let completed = Completed::from_body(Body::arrived(body("NaN").as_bytes())).unwrap();
    let corrected: Value = serde_json::from_str(&result_json(&completed)).unwrap();
    let strict: Value = serde_json::from_str(&body("null")).unwrap();
    assert_eq!(corrected, strict["result"]);
}

fn json_word() -> String {
    r#"{"word":"word","start":1.5,"end":2.5}"#.to_owned()
}
