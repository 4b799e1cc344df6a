//! The task that finds changes of the queue.

use super::site::Site;
use crate::app::error::message_of;
use crate::app::status::status;
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
            found
                .into_iter()
                .for_each(|status| site.changes.set(status));
        }
        tokio::select! {
            () = site.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Returns the status as JSON.
async fn latest(site: &Site) -> Result<String, String> {
    let status = status(&site.session).await;
    let status = status.map_err(|error| message_of(&error))?;
    serde_json::to_string(&status).map_err(|error| error.to_string())
}
