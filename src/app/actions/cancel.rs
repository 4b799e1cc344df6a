//! Cancels queued or pending items.

use super::Refusal;
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::JobId;
use crate::store::sqlite::operator::CancelOutcome;
use serde::Serialize;

/// Result of cancelling items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cancelled {
    /// Cancelled items.
    pub items: Vec<JobId>,
    /// Items that were not cancelled.
    pub refused: Vec<Refusal>,
}

/// Cancels items. Pending items are no longer polled, but the service may still charge for them.
///
/// # Errors
/// If the database fails. No item is changed then.
pub async fn cancel(session: &Session, items: Vec<JobId>) -> Result<Cancelled, AppError> {
    let outcomes = match session.existing_store().await? {
        None => items
            .into_iter()
            .map(|item| (item, CancelOutcome::NotFound))
            .collect(),
        Some(store) => {
            let outcomes = store.cancel(items, session.now()).await?;
            store.close().await;
            outcomes
        }
    };
    let mut cancelled = Cancelled::default();
    for (item, outcome) in outcomes {
        let state = match outcome {
            CancelOutcome::Cancelled => {
                cancelled.items.push(item);
                continue;
            }
            CancelOutcome::NotFound => None,
            CancelOutcome::WrongState(state) => Some(state),
        };
        cancelled.refused.push(Refusal { item, state });
    }
    Ok(cancelled)
}
