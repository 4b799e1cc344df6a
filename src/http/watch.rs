//! The task that finds changes of the queue.

use super::changes::QueueState;
use super::site::Site;
use crate::app::error::message_of;
use crate::app::status::{queue_mark, status};
use std::sync::Arc;
use std::time::Duration;

/// Interval between two looks at the queue.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the queue until the server stops, while somebody waits for changes. All who wait share one look.
///
/// A queue that cannot be read is logged once, until it can be read again.
pub(super) async fn watch(site: Arc<Site>) {
    let mut is_failing = false;
    loop {
        if site.changes.has_receivers() {
            let found = latest(&site).await;
            if let Err(error) = &found
                && !is_failing
            {
                tracing::warn!("cannot read the queue for the page: {error}");
            }
            is_failing = found.is_err();
            found.into_iter().for_each(|state| site.changes.set(state));
        }
        tokio::select! {
            () = site.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Returns the state of the queue.
async fn latest(site: &Site) -> Result<QueueState, String> {
    let mark = queue_mark(&site.session).await;
    let mark = mark.map_err(|error| message_of(&error))?;
    let status = status(&site.session).await;
    let status = status.map_err(|error| message_of(&error))?;
    let status = serde_json::to_string(&status).map_err(|error| error.to_string())?;
    Ok(QueueState { mark, status })
}
