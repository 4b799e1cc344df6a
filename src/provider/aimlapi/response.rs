//! Meaning of the responses to polls and submissions.

use crate::domain::{ErrorClass, Failure, GenerationId};
use crate::provider::aimlapi::completed::Completed;
use crate::provider::aimlapi::envelope::{Envelope, InvalidResponse};
use crate::provider::aimlapi::status::JobStatus;
use crate::provider::body::Body;
use crate::provider::call::{Expected, PollStatus, UnusableAnswer};

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

/// Meaning of an answer, without the result itself.
enum Meaning {
    InProgress,
    Completed,
    WithoutResult,
    Failed(Failure),
    Unknown(Option<String>),
}

impl Meaning {
    fn of(envelope: &Envelope) -> Self {
        let error = envelope.error.as_deref();
        let has_result = match &envelope.status {
            JobStatus::InProgress => return Self::InProgress,
            JobStatus::Failure => return Self::Failed(failure(error.unwrap_or_default())),
            JobStatus::Success => envelope.has_result || envelope.reading.has_known_field,
            JobStatus::Unknown(_) | JobStatus::Absent => envelope.reading.is_usable,
        };
        match (has_result, error, &envelope.status) {
            (true, _, _) => Self::Completed,
            (false, Some(error), _) => Self::Failed(failure(error)),
            (false, None, JobStatus::Success) => Self::WithoutResult,
            (false, None, JobStatus::Unknown(word)) => Self::Unknown(Some(word.clone())),
            (false, None, _) => Self::Unknown(None),
        }
    }
}

/// Reads the response to a poll.
///
/// # Errors
/// Returns an error if the body is not a JSON object. An object that cannot be used is [`PollStatus::Unusable`], because
/// it may be a result that was paid for.
pub fn read_poll_response(body: Body, expected: &Expected) -> Result<PollStatus, InvalidResponse> {
    let mut envelope = match Envelope::read(body.reader()) {
        Err(error @ (InvalidResponse::Truncated | InvalidResponse::Damaged)) => {
            return Ok(unusable(error.to_string(), body));
        }
        envelope => envelope?,
    };
    let identity = envelope.identity();
    if let Some(mismatch) = identity.mismatch(&expected.generation, expected.sha256.as_deref()) {
        return Ok(unusable(mismatch.to_string(), body));
    }
    Ok(match Meaning::of(&envelope) {
        Meaning::InProgress => PollStatus::InProgress,
        Meaning::Completed => PollStatus::Completed(Completed::new(body, envelope)),
        Meaning::WithoutResult if envelope.adopt_loose_text() => {
            PollStatus::Completed(Completed::new(body, envelope))
        }
        Meaning::WithoutResult => PollStatus::WithoutResult(Completed::new(body, envelope)),
        Meaning::Failed(failure) => PollStatus::Failed(failure),
        Meaning::Unknown(Some(word)) => unusable(
            format!("the service reported the unknown status `{word}`"),
            body,
        ),
        Meaning::Unknown(None) => unusable(
            "the service's response has neither a status nor a result".to_owned(),
            body,
        ),
    })
}

fn unusable(reason: String, body: Body) -> PollStatus {
    PollStatus::Unusable(UnusableAnswer {
        failure: Failure::new(ErrorClass::Protocol, reason),
        body,
    })
}

/// Reads the response to a submission in the two-step flow.
///
/// A result in it is taken only if the job succeeded, or if there is no ID to poll for it.
///
/// # Errors
/// Returns an error if the body is not a complete JSON object, or contains neither a generation ID nor a result nor an
/// error.
pub fn read_create_response(body: Body) -> Result<CreateResponse, InvalidResponse> {
    let envelope = Envelope::read(body.reader())?;
    let id = envelope.generation().and_then(GenerationId::new);
    match (Meaning::of(&envelope), id) {
        (Meaning::Completed, id) if id.is_none() || envelope.status == JobStatus::Success => {
            Ok(CreateResponse::Completed(Completed::new(body, envelope)))
        }
        (_, Some(id)) => Ok(CreateResponse::Generation(id)),
        (Meaning::Failed(failure), None) => Ok(CreateResponse::Failed(failure)),
        _ => Err(InvalidResponse::Unexpected),
    }
}

/// Reads the response to a submission in the legacy flow, where the response is the bare result.
///
/// The service has charged for the response, so any JSON object that reports neither a job nor a failure is a result.
///
/// # Errors
/// Returns an error if the body is not a complete JSON object.
pub fn read_legacy_response(body: Body) -> Result<CreateResponse, InvalidResponse> {
    let envelope = Envelope::read(body.reader())?;
    let id = envelope.generation().and_then(GenerationId::new);
    match (Meaning::of(&envelope), id) {
        (Meaning::Failed(failure), _) => Ok(CreateResponse::Failed(failure)),
        (Meaning::InProgress | Meaning::WithoutResult | Meaning::Unknown(_), Some(id))
            if !envelope.is_bare() =>
        {
            Ok(CreateResponse::Generation(id))
        }
        _ => Ok(CreateResponse::Completed(Completed::new(body, envelope))),
    }
}

fn failure(message: &str) -> Failure {
    let reason = if message.is_empty() {
        "no reason given"
    } else {
        message
    };
    Failure::new(
        ErrorClass::Transcription,
        format!("the service could not transcribe the recording: {reason}"),
    )
}

#[cfg(test)]
mod tests;
