//! The task that finds changes of the queue.

use super::site::Site;
use crate::app::status::status;
use std::sync::Arc;
use std::time::Duration;

/// Interval between two looks at the queue.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the queue until the server stops, while somebody waits for changes. All who wait share one look.
pub(super) async fn watch(site: Arc<Site>) {
    loop {
        if site.changes.has_receivers() {
            match status(&site.session).await {
                Ok(status) => match serde_json::to_string(&status) {
                    Ok(text) => site.changes.set(text),
                    Err(error) => tracing::error!(error = %error, "cannot serialize the status"),
                },
                Err(error) => tracing::warn!(error = %error, "cannot read the queue for the page"),
            }
        }
        tokio::select! {
            () = site.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
