//! Requeues failed or cancelled items.

use super::Refusal;
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::JobId;
use crate::store::sqlite::operator::RetryFilter;
use serde::Serialize;

/// Result of requeueing items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requeued {
    /// Requeued items.
    pub items: Vec<JobId>,
    /// Requested items that were not requeued.
    pub refused: Vec<Refusal>,
}

/// Requeues the items that match `filter`, and resets their attempt counts. Changes nothing while no queue exists.
///
/// # Errors
/// If no source has the requested name, or the database fails. The items are changed together: an
/// error leaves either all of them requeued or none.
pub async fn retry(session: &Session, filter: RetryFilter) -> Result<Requeued, AppError> {
    let Some(store) = session.existing_store().await? else {
        if let Some(name) = &filter.source {
            session.source(name)?;
        }
        let missing = |item| Refusal { item, state: None };
        return Ok(Requeued {
            items: Vec::new(),
            refused: filter.jobs.into_iter().map(missing).collect(),
        });
    };
    if let Some(name) = &filter.source {
        session.require_known_source(&store, name).await?;
    }
    let requested = filter.jobs.clone().into_iter();
    let items = store.retry(filter, session.now()).await?;
    let mut refused = Vec::new();
    for item in requested.filter(|item| !items.contains(item)) {
        let state = store.state_of(item).await?;
        refused.push(Refusal { item, state });
    }
    store.close().await;
    Ok(Requeued { items, refused })
}
