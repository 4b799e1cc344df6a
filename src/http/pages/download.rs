//! Downloads of the transcripts of a recording.

use super::error::PageError;
use crate::domain::JobId;
use crate::http::site::Site;
use crate::http::transcript_file::transcript;
use axum::extract::{Path, State};
use axum::response::Response;
use std::sync::Arc;

/// Answers with a transcript as a file.
pub(super) async fn download(
    State(site): State<Arc<Site>>,
    Path((id, format)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let missing = || {
        let message = format!("Recording {id} has no transcript in the format {format}.");
        PageError::missing(&site, message)
    };
    let item = id.parse().map(JobId).map_err(|_| missing())?;
    let format = format.parse().map_err(|_| missing())?;
    let found = transcript(&site.session, item, format).await;
    let found = found.map_err(|error| PageError::failed(&site, &error))?;
    found.ok_or_else(missing)
}
