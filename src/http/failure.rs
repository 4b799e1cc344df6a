//! Failures of use cases, as a status of HTTP and a message.

use crate::app::error::AppError;
use axum::http::StatusCode;
use std::error::Error;

/// Returns the status for an error.
pub(super) const fn status_of(error: &AppError) -> StatusCode {
    match error {
        AppError::NoItem(_)
        | AppError::UnknownSource { .. }
        | AppError::NoResults
        | AppError::NoTranscript { .. } => StatusCode::NOT_FOUND,
        AppError::SpeakerName { .. } | AppError::NoSource | AppError::UnknownModel(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the message of an error and of its causes.
pub(super) fn message_of(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}
