//! The player that plays a passage.

use super::answer::SearchAnswer;
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::JobId;
use crate::domain::player_argument::Playback;
use crate::runtime::subprocess::{Invocation, run_attached};
use crate::store::Store;
use std::ffi::OsString;

/// Plays the first passage of an answer with the configured player, and waits for it to end. The player has the terminal.
///
/// # Errors
/// If the recording cannot be looked up, or the player cannot be started or fails.
pub async fn play_first(session: &Session, answer: &SearchAnswer) -> Result<(), AppError> {
    let Some(hit) = answer.hits.first() else {
        return Ok(());
    };
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    let location = location(&store, hit.item).await;
    store.close().await;
    let playback = Playback {
        file: location?,
        start_s: hit
            .passages
            .first()
            .and_then(|passage| passage.spoken.start_s),
    };
    let player = &session.config.search.player;
    let call = Invocation {
        program: player.path.clone(),
        arguments: player
            .arguments
            .iter()
            .map(|one| one.fill(&playback))
            .collect(),
        withheld: session.config.secret_variables(),
    };
    run_attached(&call).await.map_err(|error| AppError::Player {
        player: player.path.clone(),
        error,
    })
}

async fn location(store: &Store, item: JobId) -> Result<OsString, AppError> {
    let found = store
        .item(item)
        .await?
        .ok_or_else(|| AppError::NoItem(item.to_string()))?;
    Ok(found.location.into_argument())
}
