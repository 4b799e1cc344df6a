//! Pages for the browser. They are rendered on the server and work without scripts.
//!
//! - [`tonight`]: what runs and what waits; [`picture`]: the picture of the last day
//! - [`recordings`]: the list of recordings, with [`list_query`] and [`actions`] on them
//! - [`recording`]: one recording with its attempts; [`download`]: its transcripts
//! - [`login`]: the login with the token
//! - [`frame`]: what all pages share; [`error`]: pages about errors; [`clock`]: times as text

mod actions;
mod clock;
mod download;
pub(super) mod error;
mod frame;
mod list_query;
mod login;
mod picture;
mod recording;
mod recordings;
mod tonight;

use super::site::Site;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// Returns the routes of the pages.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(tonight::tonight))
        .route("/recordings", get(recordings::recordings))
        .route("/recordings/retry", post(actions::retry_items))
        .route("/recordings/cancel", post(actions::cancel_items))
        .route("/recordings/{id}", get(recording::recording))
        .route(
            "/recordings/{id}/transcript/{format}",
            get(download::download),
        )
        .route("/pause", post(actions::pause_submissions))
        .route("/resume", post(actions::resume_submissions))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
}
