//! Errors as JSON, in the form of RFC 9457 (`application/problem+json`).

use crate::app::error::{AppError, message_of};
use crate::app::request_error::RequestError;
use crate::http::failure::status_of;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An error of the interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Problem {
    status: StatusCode,
    detail: String,
}

#[derive(Serialize)]
struct ProblemBody {
    status: u16,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// There is no such thing.
    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            detail: detail.into(),
        }
    }

    /// The request cannot be used.
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            detail: detail.into(),
        }
    }

    /// The request has this status for this reason.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        let status = status_of(error);
        if status.is_server_error() {
            tracing::error!(error = %error, "a request of a program failed");
        }
        Self {
            status,
            detail: message_of(error),
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Invalid(reason) => Self::bad(reason),
            RequestError::App(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            status: self.status.as_u16(),
            title: self.status.canonical_reason().unwrap_or_default(),
            detail: self.detail,
        };
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, Json(body)).into_response()
    }
}

/// Answers a path without a route.
pub(super) async fn not_found() -> Problem {
    Problem::missing("there is no such path; `/api/v1/openapi.json` lists all")
}
