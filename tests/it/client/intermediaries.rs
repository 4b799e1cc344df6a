//! Responses that are not from the service, and calls that are sent again.

use super::*;
use std::sync::Mutex;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Blocked by policy</title></head></html>";

fn page(status: &str) -> Script {
    response(status, "content-type: text/html\r\n", PAGE)
}

#[tokio::test]
async fn a_page_says_nothing_about_key_account_or_recording() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "402 Payment Required",
        "403 Forbidden",
        "404 Not Found",
        "405 Method Not Allowed",
        "406 Not Acceptable",
        "407 Proxy Authentication Required",
        "451 Unavailable For Legal Reasons",
        "511 Network Authentication Required",
    ] {
        let submitted = submit_to(page(status)).await.unwrap_err();
        let polled = poll(page(status)).await.unwrap_err();
        for error in [submitted, polled] {
            assert_eq!(error.kind, CallErrorKind::Unavailable, "{error:?}");
            assert_eq!(error.failure.class, ErrorClass::Network, "{error:?}");
            let message = &error.failure.message;
            assert!(message.ends_with(": Blocked by policy"), "{message}");
        }
    }
    let error = poll(page("200 OK")).await.unwrap_err();
    assert_eq!(error.failure.class, ErrorClass::Network, "{error:?}");
}

#[tokio::test]
async fn a_gateway_error_after_the_upload_is_uncertain() {
    let text = |status, body| response(status, "content-type: text/plain\r\n", body);
    for script in [
        page("500 Internal Server Error"),
        page("503 Service Unavailable"),
        text(
            "503 Service Unavailable",
            "upstream connect error or disconnect/reset before headers",
        ),
        response("503 Service Unavailable", "", ""),
        response("500 Error", "", r#"{"error":"upstream"}"#),
        page("520 Unknown"),
        page("530 Unknown"),
        page("599 Timeout"),
        response("524 Timeout", "", r#"{"message":"timeout"}"#),
    ] {
        let error = submit_to(script).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Unknown, "{error:?}");
    }
}

#[tokio::test]
async fn a_page_is_not_a_missing_list() {
    for (status, is_missing) in [
        ("404 Not Found", true),
        ("403 Forbidden", false),
        ("200 OK", false),
    ] {
        let (address, _received) = serve(page(status)).await;
        let client = client(address, ApiMode::TwoStep);
        let now = Timestamp::from_millis(0);
        let logs = client.logs(now, now, 0).await;
        assert_eq!(logs.is_ok(), is_missing, "{status}");
        let probe = client.probe().await;
        assert!(probe.outcome.is_err(), "{status}");
    }
}

#[tokio::test]
async fn a_refused_key_is_read_again_and_the_call_repeated() {
    let refused = response("401 Unauthorized", "", r#"{"message":"bad key"}"#);
    let (address, mut received) = serve_in_turn(vec![
        refused.clone(),
        response("201 Created", "", CREATED),
        refused.clone(),
        response("200 OK", "", r#"{"status":"waiting"}"#),
        refused,
    ])
    .await;
    let keys = Mutex::new(["sk-second", "sk-third", "sk-third"].into_iter());
    let reader = move || Ok(SecretString::from(keys.lock().unwrap().next().unwrap()));
    let client = client(address, ApiMode::TwoStep).with_key_reader(Arc::new(reader));
    let file = file(300_000);
    let audio = AudioSource::File(&file.recording);
    submit(&client, audio).await.unwrap();
    assert_eq!(file.recording.progress.sent(), 300_000);
    client.poll(expected("g-1")).await.unwrap();
    let error = client.poll(expected("g-1")).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Auth);
    let mut sent = Vec::new();
    for _ in 0..5 {
        let request = received.recv().await.unwrap();
        let key = header(&request.head, "authorization").unwrap().to_owned();
        assert!(request.is_complete);
        sent.push(key);
    }
    let expected = [
        "bearer sk-very-secret",
        "bearer sk-second",
        "bearer sk-second",
        "bearer sk-third",
        "bearer sk-third",
    ];
    assert_eq!(sent, expected);
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn the_other_form_field_is_tried_once_and_remembered() {
    let refused = response("400 Bad Request", "", r#"{"message":"file is required"}"#);
    let created = response("201 Created", "", CREATED);
    let (address, mut received) = serve_in_turn(vec![refused, created]).await;
    let client = client(address, ApiMode::TwoStep);
    for fields in [&["audio", "file"][..], &["file"]] {
        submit(&client, AudioSource::File(&file(100).recording))
            .await
            .unwrap();
        for field in fields {
            let body = received.recv().await.unwrap().body;
            let part = format!("name=\"{field}\"; filename");
            assert!(String::from_utf8_lossy(&body).contains(&part), "{field}");
        }
    }
    assert!(received.try_recv().is_err());
}
