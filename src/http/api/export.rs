//! Transcripts as files, and writing them again.

use super::body::JsonBody;
use super::error::Problem;
use super::items::item_id;
use crate::app::actions::export::{ExportFiles, Exporter};
use crate::app::actions::export_result::ExportResult;
use crate::domain::format::FormatSelection;
use crate::domain::{Format, JobId};
use crate::http::site::Site;
use crate::http::transcript_file;
use crate::pipeline::stages::save::names::OnEdited;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// Maximum number of items of an export.
const MAX_ITEMS: usize = 1000;

/// Items to export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportRequest {
    ids: Vec<i64>,
    formats: Vec<String>,
}

/// Results for the items, in their order.
#[derive(Serialize)]
pub(super) struct ExportResults {
    /// Results, in the form of `export --json`.
    pub(super) results: Vec<ExportResult>,
}

/// Writes transcripts again to the configured output folder. Edited ones are kept.
pub(super) async fn export(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<ExportRequest>,
) -> Result<Json<ExportResults>, Problem> {
    if request.ids.len() > MAX_ITEMS {
        let detail = format!("at most {MAX_ITEMS} items can be exported at once");
        return Err(Problem::bad(detail));
    }
    let formats = request.formats.iter().map(|name| name.parse());
    let formats: Result<Vec<FormatSelection>, _> = formats.collect();
    let formats = formats.map_err(|error| Problem::bad(format!("`formats`: {error}")))?;
    if formats.is_empty() {
        return Err(Problem::bad("`formats`: expected at least one"));
    }
    let files = ExportFiles::Formats(FormatSelection::distinct(&formats));
    let mut exporter = Exporter::open(&site.session, None, files, OnEdited::Keep).await?;
    let mut seen = HashSet::new();
    let ids = request.ids.into_iter().map(JobId);
    let items: Vec<_> = ids.filter(|item| seen.insert(*item)).collect();
    let mut remaining = &items[..];
    let mut results = Vec::new();
    while !remaining.is_empty() {
        let outcomes = exporter.export(remaining).await?;
        remaining = &remaining[outcomes.len()..];
        let outcomes = outcomes.into_iter();
        results.extend(outcomes.map(|(item, outcome)| ExportResult { item, outcome }));
    }
    exporter.close().await;
    Ok(Json(ExportResults { results }))
}

/// Answers with a transcript as a file.
pub(super) async fn transcript(
    State(site): State<Arc<Site>>,
    Path((id, format)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let item = item_id(&id)?;
    let missing = || {
        Problem::missing(format!(
            "item {id} has no transcript in the format {format}"
        ))
    };
    let format: Format = format.parse().map_err(|_| missing())?;
    let found = transcript_file::transcript(&site.session, item, format).await?;
    found.ok_or_else(missing)
}
