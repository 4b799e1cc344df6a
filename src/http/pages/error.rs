//! Pages about errors.

use super::frame::{Frame, page};
use crate::app::error::{AppError, message_of};
use crate::http::failure::status_of;
use crate::http::site::Site;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    title: &'static str,
    message: String,
}

/// An error of a page.
pub(super) struct PageError {
    status: StatusCode,
    title: &'static str,
    message: String,
    frame: Frame,
}

impl PageError {
    /// There is no such page, for this reason.
    pub(super) fn missing(site: &Site, message: String) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "Not found",
            message,
            frame: Frame::new(site, ""),
        }
    }

    /// The request cannot be used, for this reason.
    pub(super) fn bad(site: &Site, message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Not possible",
            message,
            frame: Frame::new(site, ""),
        }
    }

    /// A part of an action was done, and the rest was not, for this reason.
    pub(super) fn unfinished(site: &Site, message: String) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "Not finished",
            message,
            frame: Frame::new(site, ""),
        }
    }

    /// A use case failed.
    pub(super) fn failed(site: &Site, error: &AppError) -> Self {
        let (status, title) = match status_of(error) {
            StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(error = %error, "a page failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "The page failed")
            }
            status => (status, "Not possible"),
        };
        Self {
            status,
            title,
            message: message_of(error),
            frame: Frame::new(site, ""),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let template = ErrorPage {
            frame: self.frame,
            title: self.title,
            message: self.message,
        };
        page(self.status, &template)
    }
}

/// Answers a path without a page.
pub(in crate::http) async fn not_found(State(site): State<Arc<Site>>) -> Response {
    PageError::missing(&site, "There is no such page.".to_owned()).into_response()
}
