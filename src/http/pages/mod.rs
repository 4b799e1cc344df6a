//! Pages for the browser. They are rendered on the server and work without scripts.
//!
//! - [`tonight`]: what runs and what waits; [`picture`]: the picture of the last day
//! - [`recordings`]: the list of recordings, with [`list_query`] and [`actions`] on them
//! - [`reading`]: a transcript to read along with its recording; [`search`]: the search in transcripts
//! - [`recording`]: one recording with its attempts; [`download`]: its transcripts
//! - [`moment`]: times in a recording as text
//! - [`login`]: the login with the token
//! - [`frame`]: what all pages share; [`error`]: pages about errors; [`clock`]: times as text

mod actions;
mod clock;
mod download;
pub(super) mod error;
mod frame;
mod list_query;
mod login;
mod moment;
mod picture;
mod reading;
mod recording;
mod recordings;
mod search;
mod tonight;

use super::site::Site;
use super::sound::sound;
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
        .route("/recordings/{id}/read", get(reading::read))
        .route("/recordings/{id}/speakers", post(reading::name_speakers))
        .route("/recordings/{id}/sound", get(sound))
        .route("/search", get(search::search))
        .route(
            "/recordings/{id}/transcript/{format}",
            get(download::download),
        )
        .route("/pause", post(actions::pause_submissions))
        .route("/resume", post(actions::resume_submissions))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
}
