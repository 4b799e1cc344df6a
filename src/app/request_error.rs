//! Errors of the requests of programs.

use super::error::AppError;

/// Error of a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request cannot be used. The text says why.
    #[error("{0}")]
    Invalid(String),
    /// The use case failed.
    #[error(transparent)]
    App(#[from] AppError),
}

impl RequestError {
    /// The request cannot be used for this reason.
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}
