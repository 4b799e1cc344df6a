//! One recording with its attempts.

use super::clock::{Clock, length};
use super::error::PageError;
use super::frame::{Frame, page};
use super::list_query::notice;
use crate::app::items::{ItemDetails, details_of};
use crate::domain::{Attempt, Format, JobState};
use crate::http::item_id::item_id;
use crate::http::site::Site;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "recording.html")]
struct RecordingPage {
    frame: Frame,
    id: i64,
    name: String,
    state: JobState,
    waits_for: String,
    error: Option<(String, &'static str)>,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    formats: Vec<&'static str>,
    attempts: Vec<AttemptRow>,
    has_transcript: bool,
    can_retry: bool,
    can_cancel: bool,
}

struct AttemptRow {
    started: String,
    ended: String,
    lasted: String,
    outcome: String,
    http_status: String,
    generation: String,
    billed: String,
    error: String,
}

/// Shows the page.
pub(super) async fn recording(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let missing = || PageError::missing(&site, format!("There is no recording {id}."));
    let item = item_id(&id).ok_or_else(missing)?;
    let details = details_of(&site.session, item).await;
    let details = details.map_err(|error| PageError::failed(&site, &error))?;
    let details = details.ok_or_else(missing)?;
    let notice = notice(query.as_deref().unwrap_or_default());
    let frame = Frame::new(&site, "recordings").with_notice(notice);
    let clock = Clock::at(site.session.now());
    Ok(page(StatusCode::OK, &content(frame, &clock, details)))
}

fn content(frame: Frame, clock: &Clock, details: ItemDetails) -> RecordingPage {
    let (facts, item) = (facts(clock, &details), details.item);
    let reason = item.waits_for.as_ref();
    let error = item.error.as_ref();
    let has_transcript = item.silent.is_some();
    RecordingPage {
        frame,
        id: item.id.0,
        waits_for: reason.map_or_else(String::new, |reason| clock.wait_text().of(reason)),
        error: error.map(|error| (error.to_string(), error.class.advice())),
        warnings: item.warnings.iter().map(ToString::to_string).collect(),
        facts,
        formats: match has_transcript {
            true => Format::ALL.map(Format::as_str).to_vec(),
            false => Vec::new(),
        },
        attempts: details
            .history
            .iter()
            .map(|attempt| attempt_row(clock, attempt))
            .collect(),
        has_transcript,
        can_retry: matches!(
            item.state,
            JobState::Failed | JobState::Cancelled | JobState::Excluded
        ),
        can_cancel: matches!(
            item.state,
            JobState::Queued | JobState::Pending | JobState::Excluded
        ),
        name: item.relative,
        state: item.state,
    }
}

fn facts(clock: &Clock, details: &ItemDetails) -> Vec<(&'static str, String)> {
    let item = &details.item;
    let mut facts = vec![
        ("Path", item.path.clone()),
        ("Source", item.source.clone()),
        ("Model", item.model.clone()),
    ];
    if !item.options.is_empty() {
        facts.push(("Options", Value::Object(item.options.clone()).to_string()));
    }
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    let estimate = if item.duration_is_estimate {
        " (estimated)"
    } else {
        ""
    };
    add(
        "Length",
        item.duration_s
            .map(|seconds| length(Some(seconds)) + estimate),
    );
    add(
        "Size",
        (item.size_bytes > 0).then(|| bytesize::ByteSize(item.size_bytes).to_string()),
    );
    let quality = item.quality.as_ref();
    let confidence = quality.and_then(|quality| quality.confidence);
    add(
        "Confidence",
        confidence.map(|part| format!("{:.0} %", part * 100.0)),
    );
    add(
        "Language",
        quality.and_then(|quality| quality.language.clone()),
    );
    add(
        "Speech",
        item.silent
            .map(|silent| if silent { "none" } else { "yes" }.to_owned()),
    );
    let is_pending = item.state == JobState::Pending;
    add(
        "Expires",
        item.expires_at
            .filter(|_| is_pending)
            .map(|expiry| clock.until_expiry(expiry)),
    );
    add(
        "Paid by",
        item.paid_by
            .map(|job| format!("item {job}, which has the same content")),
    );
    add("Retry of", item.retry_of.map(|job| format!("item {job}")));
    add(
        "Generation",
        item.generation_id.as_ref().map(ToString::to_string),
    );
    add("SHA-256", item.sha256.clone());
    add("Added", Some(clock.time(item.created_at)));
    add("Changed", Some(clock.time(item.updated_at)));
    let hook = details
        .hook
        .as_ref()
        .map(|hook| match (hook.ended_at, &hook.error) {
            (None, _) => "waiting".to_owned(),
            (Some(ended), None) => format!("exit status 0 at {}", clock.time(ended)),
            (Some(ended), Some(error)) => format!("{error} at {}", clock.time(ended)),
        });
    add("Hook", hook);
    facts.extend(item.outputs.iter().map(|path| ("Transcript", path.clone())));
    facts
}

fn attempt_row(clock: &Clock, attempt: &Attempt) -> AttemptRow {
    let ended = attempt.ended_at;
    let lasted = ended.unwrap_or(clock.now).since(attempt.started_at);
    AttemptRow {
        started: clock.time(attempt.started_at),
        ended: ended.map_or_else(String::new, |ended| clock.time(ended)),
        lasted: length(Some(lasted.as_secs_f64())),
        outcome: attempt.outcome.clone(),
        http_status: attempt
            .http_status
            .map_or_else(String::new, |status| status.to_string()),
        generation: attempt
            .generation_id
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        billed: length(attempt.billed_s),
        error: attempt
            .error
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
    }
}
