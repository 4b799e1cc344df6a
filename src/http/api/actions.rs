//! Retry, cancel, pause and resume.

use super::body::JsonBody;
use super::error::Problem;
use crate::app::actions::cancel::Cancelled;
use crate::app::actions::pause::{PauseResult, ResumeResult, resume, source_holds, submit_anyway};
use crate::app::actions::requests::{CancelRequest, PauseRequest, RetryRequest};
use crate::app::actions::retry::Requeued;
use crate::http::site::Site;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;

/// Requeues items, and answers as `retry --json`.
pub(super) async fn retry_items(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<RetryRequest>,
) -> Result<Json<Requeued>, Problem> {
    Ok(Json(request.perform(&site.session).await?))
}

/// Cancels items, and answers as `cancel --json`.
pub(super) async fn cancel_items(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<CancelRequest>,
) -> Result<Json<Cancelled>, Problem> {
    Ok(Json(request.perform(&site.session).await?))
}

/// Pauses submissions, and answers as `pause --json`.
pub(super) async fn pause_submissions(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<PauseRequest>,
) -> Result<Json<PauseResult>, Problem> {
    Ok(Json(request.perform(&site.session).await?))
}

/// Holds that a resumption approves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeRequest {
    #[serde(default)]
    submit_anyway: bool,
}

/// Resumes submissions, and answers as `resume --json`.
pub(super) async fn resume_submissions(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<ResumeRequest>,
) -> Result<Json<ResumeResult>, Problem> {
    let approved = match request.submit_anyway {
        true => submit_anyway(&site.session).await?,
        false => Vec::new(),
    };
    Ok(Json(ResumeResult {
        is_resumed: resume(&site.session).await?,
        approved,
        still_held: source_holds(&site.session).await?,
    }))
}
