//! Responses of the service to polls and submissions, and error responses.

use super::{is_control_char, rendered};
use nightscribe::api::answer::{
    Answer, Created, read_answer, read_created, read_legacy, read_transcript,
};
use nightscribe::api::failures::{self, Call, Refusal};
use nightscribe::api::{CallError, Completed};
use nightscribe::domain::Failure;
use serde_json::Value;
use std::time::SystemTime;

/// Parses `body` as every kind of response.
pub fn holds(body: &[u8]) {
    match read_answer(body) {
        Ok(Answer::Completed(completed)) => check_completed(&completed),
        Ok(Answer::Failed(failure)) => check_failure(&failure),
        Ok(Answer::InProgress { unknown }) => check_line(&unknown.unwrap_or_default()),
        Err(_) => {}
    }
    for created in [read_created(body), read_legacy(body)]
        .into_iter()
        .flatten()
    {
        match created {
            Created::Answer(completed) => check_completed(&completed),
            Created::Failed(failure) => check_failure(&failure),
            Created::Generation(id) => assert!((1..=1024).contains(&id.as_str().len())),
        }
    }
    check_refusal(body);
}

/// Checks that the stored JSON parses to the same transcript.
fn check_completed(completed: &Completed) {
    serde_json::from_str::<Value>(&completed.raw).expect("the stored result is JSON");
    assert_eq!(read_transcript(&completed.raw), completed.transcript);
    rendered::holds(&completed.transcript, &completed.raw);
}

fn check_refusal(body: &[u8]) {
    for status in [400, 429, 503] {
        let refusal = Refusal {
            status,
            body,
            ..Refusal::default()
        };
        let CallError { failure, .. } = failures::classify(Call::Poll, refusal);
        check_failure(&failure);
    }
    if let Ok(value) = std::str::from_utf8(body) {
        let _wait = failures::retry_after(value, SystemTime::UNIX_EPOCH);
    }
}

fn check_failure(failure: &Failure) {
    check_line(&failure.message);
}

/// Checks that the text is one line of bounded length without control characters.
fn check_line(text: &str) {
    assert!(text.chars().count() < 500, "{text:?}");
    assert!(!text.chars().any(is_control_char), "{text:?}");
}
