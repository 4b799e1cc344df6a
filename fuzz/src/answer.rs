//! Responses of the service to polls and submissions, and error responses.

use super::{is_control_char, rendered};
use nightscribe::domain::{Failure, GenerationId};
use nightscribe::provider::aimlapi::errors;
use nightscribe::provider::aimlapi::errors::{ErrorResponse, Operation};
use nightscribe::provider::aimlapi::response::{
    CreateResponse, read_create_response, read_legacy_response, read_poll_response,
};
use nightscribe::provider::http::retry_after::retry_after;
use nightscribe::provider::{CallError, Completed, Expected, PollStatus};
use serde_json::Value;
use std::time::SystemTime;

/// Parses `body` as every kind of response.
pub fn holds(body: &[u8]) {
    let expected = Expected {
        generation: GenerationId::new("g").expect("the ID is valid"),
        sha256: Some("0".repeat(64)),
    };
    match read_poll_response(body.to_owned().into(), &expected) {
        Ok(PollStatus::Completed(completed) | PollStatus::WithoutResult(completed)) => {
            check_completed(&completed);
        }
        Ok(PollStatus::Failed(failure)) => check_failure(&failure),
        Ok(PollStatus::Unusable(answer)) => {
            check_failure(&answer.failure);
            assert_eq!(answer.body, body.to_owned().into());
        }
        Ok(PollStatus::InProgress) | Err(_) => {}
    }
    let (created, legacy) = (
        read_create_response(body.to_owned().into()),
        read_legacy_response(body.to_owned().into()),
    );
    for created in [created, legacy].into_iter().flatten() {
        match created {
            CreateResponse::Completed(completed) => check_completed(&completed),
            CreateResponse::Failed(failure) => check_failure(&failure),
            CreateResponse::Generation(id) => assert!((1..=1024).contains(&id.as_str().len())),
        }
    }
    check_refusal(body);
}

/// Checks that the stored answer gives the same transcript, and that its result is JSON.
fn check_completed(completed: &Completed) {
    let json = completed
        .result_json()
        .expect("the answer is not compressed");
    let mut text = Vec::new();
    json.write_to(&mut text).expect("a vector takes all bytes");
    serde_json::from_slice::<Value>(&text).expect("the result is JSON");
    let stored = Completed::from_body(completed.body.clone());
    assert_eq!(stored.expect("the answer is not compressed"), *completed);
    rendered::holds(&completed.transcript, &json);
}

fn check_refusal(body: &[u8]) {
    for status in [400, 429, 503] {
        let refusal = ErrorResponse {
            status,
            body,
            ..ErrorResponse::default()
        };
        let CallError { failure, .. } = errors::classify(Operation::Poll, refusal);
        check_failure(&failure);
    }
    if let Ok(value) = std::str::from_utf8(body) {
        let _wait = retry_after(value, SystemTime::UNIX_EPOCH);
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
