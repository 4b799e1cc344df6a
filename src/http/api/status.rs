//! Status of the queue, and its changes as server-sent events.

use super::error::Problem;
use crate::app::status::{Status, status};
use crate::http::site::Site;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Interval of the comments that keep a quiet stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers with the status, as `status --json`.
pub(super) async fn show(State(site): State<Arc<Site>>) -> Result<Json<Status>, Problem> {
    Ok(Json(status(&site.session).await?))
}

/// Answers with a stream: an event `status` now and after each change, each with the object of `status --json`.
pub(super) async fn events(
    State(site): State<Arc<Site>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = site.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = "too many streams of events are open; try again later";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    let changes = site.changes.subscribe();
    let events = stream::unfold((changes, permit), |(mut changes, permit)| async move {
        loop {
            changes.changed().await.ok()?;
            let latest = changes.borrow_and_update().clone();
            if let Some(state) = latest {
                let event = Event::default().event("status").data(state.status);
                return Some((Ok(event), (changes, permit)));
            }
        }
    });
    let until_stop = events.take_until(site.stop.clone().cancelled_owned());
    Ok(Sse::new(until_stop).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
