//! Failures of use cases, as a status of HTTP.

use crate::app::error::AppError;
use axum::http::StatusCode;

/// Returns the status for an error.
pub(super) const fn status_of(error: &AppError) -> StatusCode {
    match error {
        AppError::NoItem(_)
        | AppError::UnknownSource { .. }
        | AppError::NoResults
        | AppError::NoTranscript { .. }
        | AppError::NoTimes { .. }
        | AppError::MissingFile { .. } => StatusCode::NOT_FOUND,
        AppError::SpeakerName { .. }
        | AppError::SeveralItems { .. }
        | AppError::NoSource
        | AppError::UnknownModel(_) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
