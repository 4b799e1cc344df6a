//! A submission of a job, as it is stored and shown.

use crate::domain::{AttemptId, Failure, GenerationId, Timestamp};
use serde::Serialize;

/// A submission of a job. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attempt {
    /// Attempt ID.
    pub id: AttemptId,
    /// Time of the claim.
    pub started_at: Timestamp,
    /// Time of the end. `None` while in flight.
    pub ended_at: Option<Timestamp>,
    /// One of `sending`, `accepted`, `completed`, `refused`, `deferred`, `uncertain`, `lost`, `cancelled`.
    pub outcome: String,
    /// Value of `X-Client-Request-Id`.
    pub client_request_id: String,
    /// Generation ID at the service.
    pub generation_id: Option<GenerationId>,
    /// HTTP status of the answer.
    pub http_status: Option<u16>,
    /// `x-request-id` of the answer.
    pub request_id: Option<String>,
    /// Billed audio in seconds.
    pub billed_s: Option<f64>,
    /// Failure, if any.
    pub error: Option<Failure>,
}
