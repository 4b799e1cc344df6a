//! Retry, cancel, pause and resume.

use super::body::JsonBody;
use super::error::Problem;
use crate::app::actions::cancel::{Cancelled, cancel};
use crate::app::actions::pause::{
    PauseResult, ResumeResult, pause, resume, source_holds, submit_anyway,
};
use crate::app::actions::retry::{Requeued, retry};
use crate::domain::{ErrorClass, JobId};
use crate::http::site::Site;
use crate::policy::hours::TimeOfDay;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::operator::RetryFilter;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;

/// Items to retry, as the options of `retry` select them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryRequest {
    ids: Option<Vec<i64>>,
    #[serde(default)]
    failed: bool,
    error: Option<String>,
    source: Option<String>,
    #[serde(default)]
    as_is: bool,
}

/// Requeues items, and answers as `retry --json`.
pub(super) async fn retry_items(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<RetryRequest>,
) -> Result<Json<Requeued>, Problem> {
    let has_filter = request.failed || request.error.is_some() || request.source.is_some();
    match &request.ids {
        // Without items, the filter would select all failed ones.
        Some(ids) if ids.is_empty() => return Err(Problem::bad("`ids`: expected at least one")),
        None if request.as_is => return Err(Problem::bad("`as_is` requires `ids`")),
        None if !has_filter => {
            let detail = "one of `ids`, `failed`, `error` and `source` is required";
            return Err(Problem::bad(detail));
        }
        _ => {}
    }
    let error = request.error.as_deref().map(str::parse).transpose();
    let error: Option<ErrorClass> =
        error.map_err(|error| Problem::bad(format!("`error`: {error}")))?;
    let filter = RetryFilter {
        jobs: request.ids.into_iter().flatten().map(JobId).collect(),
        // The approval concerns no other failure.
        class: if request.as_is {
            Some(ErrorClass::Unreadable)
        } else {
            error
        },
        source: request.source,
        as_is: request.as_is,
    };
    Ok(Json(retry(&site.session, filter).await?))
}

/// Items to cancel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelRequest {
    ids: Vec<i64>,
}

/// Cancels items, and answers as `cancel --json`.
pub(super) async fn cancel_items(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<CancelRequest>,
) -> Result<Json<Cancelled>, Problem> {
    let items = request.ids.into_iter().map(JobId).collect();
    Ok(Json(cancel(&site.session, items).await?))
}

/// End of a pause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseRequest {
    /// Time of day in the time zone of this machine, such as `06:00`.
    until: Option<String>,
}

/// Pauses submissions, and answers as `pause --json`.
pub(super) async fn pause_submissions(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<PauseRequest>,
) -> Result<Json<PauseResult>, Problem> {
    let (now, zone) = (site.session.now(), SystemClock.zone());
    let until = request.until.as_deref().map(str::parse::<TimeOfDay>);
    let until = until.transpose();
    let until = until.map_err(|error| Problem::bad(format!("`until`: {error}")))?;
    let until = match until {
        None => None,
        Some(time) => {
            let next = time.next_after(now, &zone);
            Some(next.ok_or_else(|| Problem::bad("`until`: cannot compute the time"))?)
        }
    };
    pause(&site.session, until, &zone).await?;
    Ok(Json(PauseResult {
        is_paused: true,
        until,
    }))
}

/// What a resumption approves.
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
