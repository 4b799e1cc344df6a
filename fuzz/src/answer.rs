//! Responses of the service to polls and submissions, and error responses.

use super::{is_control_char, rendered};
use nightscribe::domain::Failure;
use nightscribe::provider::aimlapi::envelope::{
    CreateResponse, PollResponse, read_create_response, read_legacy_response, read_poll_response,
};
use nightscribe::provider::aimlapi::errors;
use nightscribe::provider::aimlapi::errors::{ErrorResponse, Operation};
use nightscribe::provider::read_transcript;
use nightscribe::provider::{CallError, Completed};
use serde_json::Value;
use std::time::SystemTime;

/// Parses `body` as every kind of response.
pub fn holds(body: &[u8]) {
    match read_poll_response(body).map(|answer| answer.response) {
        Ok(PollResponse::Completed(completed)) => check_completed(&completed),
        Ok(PollResponse::Failed(failure)) => check_failure(&failure),
        Ok(PollResponse::InProgress { unknown }) => check_line(&unknown.unwrap_or_default()),
        Ok(PollResponse::WithoutResult) | Err(_) => {}
    }
    for created in [read_create_response(body), read_legacy_response(body)]
        .into_iter()
        .flatten()
    {
        match created {
            CreateResponse::Completed(completed) => check_completed(&completed),
            CreateResponse::Failed(failure) => check_failure(&failure),
            CreateResponse::Generation(id) => assert!((1..=1024).contains(&id.as_str().len())),
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
        let refusal = ErrorResponse {
            status,
            body,
            ..ErrorResponse::default()
        };
        let CallError { failure, .. } = errors::classify(Operation::Poll, refusal);
        check_failure(&failure);
    }
    if let Ok(value) = std::str::from_utf8(body) {
        let _wait = errors::retry_after(value, SystemTime::UNIX_EPOCH);
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
