//! An answer of the service: to a poll, to a submission, and one that refuses.

use super::{is_obeyed, rendered};
use nightscribe::api::answer::{
    Answer, Created, read_answer, read_created, read_legacy, read_transcript,
};
use nightscribe::api::failures::{self, Call, Refusal};
use nightscribe::api::{CallError, Completed};
use nightscribe::domain::Failure;
use serde_json::Value;
use std::time::SystemTime;

/// Reads `body` as every answer it could be.
pub fn holds(body: &[u8]) {
    match read_answer(body) {
        Ok(Answer::Completed(completed)) => completed_holds(&completed),
        Ok(Answer::Failed(failure)) => failure_holds(&failure),
        Ok(Answer::InProgress { unknown }) => is_a_line(&unknown.unwrap_or_default()),
        Err(_) => {}
    }
    for created in [read_created(body), read_legacy(body)]
        .into_iter()
        .flatten()
    {
        match created {
            Created::Answer(completed) => completed_holds(&completed),
            Created::Failed(failure) => failure_holds(&failure),
            Created::Generation(id) => assert!((1..=1024).contains(&id.as_str().len())),
        }
    }
    refusal(body);
}

/// What was read is read again from what is kept of it.
fn completed_holds(completed: &Completed) {
    serde_json::from_str::<Value>(&completed.raw).expect("what is kept is JSON");
    assert_eq!(read_transcript(&completed.raw), completed.transcript);
    rendered::holds(&completed.transcript, &completed.raw);
}

fn refusal(body: &[u8]) {
    for status in [400, 429, 503] {
        let refusal = Refusal {
            status,
            body,
            ..Refusal::default()
        };
        let CallError { failure, .. } = failures::classify(Call::Poll, refusal);
        failure_holds(&failure);
    }
    if let Ok(value) = std::str::from_utf8(body) {
        let _wait = failures::retry_after(value, SystemTime::UNIX_EPOCH);
    }
}

fn failure_holds(failure: &Failure) {
    is_a_line(&failure.message);
}

/// One line of bounded length that commands nothing.
fn is_a_line(text: &str) {
    assert!(text.chars().count() < 500, "{text:?}");
    assert!(!text.chars().any(is_obeyed), "{text:?}");
}
