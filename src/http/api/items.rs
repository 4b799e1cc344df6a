//! List, show and add items.

use super::body::JsonBody;
use super::error::Problem;
use super::list_request::list_request;
use crate::app::actions::add::{AddOutcome, AddResult, Adder};
use crate::app::item_list::{ItemList, item_list};
use crate::app::items::{ItemDetails, details_of};
use crate::app::wait_text::WaitText;
use crate::domain::JobId;
use crate::http::item_id::item_id as named;
use crate::http::site::Site;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Answers with a page of items.
pub(super) async fn list(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
) -> Result<Json<ItemList>, Problem> {
    let request = list_request(query.as_deref().unwrap_or_default())?;
    Ok(Json(item_list(&site.session, request).await?))
}

/// Answers with an item and its attempts, as `show --json`.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<Json<ItemDetails<String>>, Problem> {
    let details = details_of(&site.session, item_id(&id)?).await?;
    let details = details.ok_or_else(|| no_item(&id))?;
    let wait_text = WaitText::local(site.session.now());
    Ok(Json(details.map_reason(|reason| wait_text.of(&reason))))
}

/// URLs to add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddRequest {
    urls: Vec<String>,
    source: Option<String>,
}

/// Results for the URLs, in their order.
#[derive(Serialize)]
pub(super) struct AddResults {
    results: Vec<AddResult>,
}

/// Adds URLs to the queue. A path is refused: a request must not make this machine read a file and send it to the service.
pub(super) async fn add(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<AddRequest>,
) -> Result<Json<AddResults>, Problem> {
    let adder = Adder::open(&site.session, request.source.as_deref()).await?;
    let mut results = Vec::new();
    for name in request.urls {
        let outcome = match name.contains("://") {
            true => adder.add(name.as_ref()).await?,
            false => AddOutcome::Refused {
                reason:
                    "only http:// and https:// URLs can be added here; `nightscribe add` adds files"
                        .to_owned(),
            },
        };
        results.push(AddResult { name, outcome });
    }
    adder.close().await;
    Ok(Json(AddResults { results }))
}

/// Parses the ID of an item in a path.
pub(super) fn item_id(text: &str) -> Result<JobId, Problem> {
    named(text).ok_or_else(|| no_item(text))
}

/// There is no such item.
pub(super) fn no_item(id: &str) -> Problem {
    Problem::missing(format!("there is no item {id}"))
}
