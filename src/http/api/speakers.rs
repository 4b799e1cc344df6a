//! Names of speakers.

use super::body::JsonBody;
use super::error::Problem;
use super::export::ExportResults;
use super::items::item_id;
use crate::app::actions::speakers::{ItemSpeakers, list_speakers, name_speakers};
use crate::http::site::Site;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Answers with the speakers of an item, as `speakers --json`.
pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<Json<ItemSpeakers>, Problem> {
    // The use case also takes paths, which a request may not name.
    let item = item_id(&id)?.to_string();
    Ok(Json(list_speakers(&site.session, &item).await?))
}

/// Names by speaker. An empty one removes the name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameRequest {
    names: BTreeMap<String, String>,
}

/// Names speakers, writes the transcripts again, and answers as `speakers --json` with names.
pub(super) async fn name(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<NameRequest>,
) -> Result<Json<ExportResults>, Problem> {
    let item = item_id(&id)?.to_string();
    let names = request.names.into_iter();
    let names: Vec<_> = names
        .map(|(speaker, name)| (speaker.trim().to_owned(), name.trim().to_owned()))
        .collect();
    let results = name_speakers(&site.session, &item, &names).await?;
    Ok(Json(ExportResults { results }))
}
