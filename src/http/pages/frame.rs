//! The frame around the content of all pages.

use crate::http::site::Site;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// Frame of a page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Path before every path of the server.
    pub(super) base: String,
    /// Path of the first page.
    pub(super) home: String,
    /// Page that is marked in the navigation.
    pub(super) section: &'static str,
    /// Whether the user can log out.
    pub(super) has_logout: bool,
    /// Result of the action that led here, or empty.
    pub(super) notice: String,
}

impl Frame {
    /// Returns the frame of a page in a section of the navigation.
    pub(super) fn new(site: &Site, section: &'static str) -> Self {
        let base = site.base().to_owned();
        Self {
            home: if base.is_empty() {
                "/".to_owned()
            } else {
                base.clone()
            },
            base,
            section,
            has_logout: site.access.token.is_some(),
            notice: String::new(),
        }
    }

    /// Adds the result of an action.
    pub(super) fn with_notice(self, notice: String) -> Self {
        Self { notice, ..self }
    }
}

/// Returns the response with a page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "cannot render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
