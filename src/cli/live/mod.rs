//! `nightscribe status --watch`: a live view on a terminal, and plain blocks of text otherwise.
//!
//! - `scene`: snapshot of the queue, from the database
//! - `view`: rendering of a snapshot for any terminal size
//! - `waits`: reasons that queued items wait
//! - `line`: lines fitted to the terminal width
//! - `screen`: terminal control
//! - `presence`: availability of the source folders

mod line;
mod presence;
mod scene;
mod screen;
mod view;
mod waits;

use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use crate::app::session::Session;
use presence::FolderStatus;
use scene::SnapshotLoader;
use screen::Screen;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Refresh interval.
const EVERY: Duration = Duration::from_secs(1);
/// Width in columns without a terminal.
const PLAIN_WIDTH: usize = 80;

/// Shows the queue until SIGINT or SIGTERM.
///
/// # Errors
/// If the database fails or the output cannot be written.
pub(super) async fn watch(session: &Session) -> Result<Exit, CommandError> {
    let stop = stop_on_signal()?;
    let mut watcher = SnapshotLoader::new(session, FolderStatus::start(&session.config.sources));
    if std::io::stdout().is_terminal() {
        on_terminal(&mut watcher, &stop).await?;
    } else {
        in_blocks(&mut watcher, &stop).await?;
    }
    Ok(Exit::Done)
}

async fn on_terminal(
    watcher: &mut SnapshotLoader<'_>,
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    let mut resized = signal(SignalKind::window_change())
        .map_err(|error| CommandError::internal("cannot install signal handlers", &error))?;
    let mut scene = watcher.load().await?;
    // Entered after the first snapshot, so that an early error is printed on the normal screen.
    let screen = Screen::enter()?;
    loop {
        let (width, height) = Screen::size();
        screen.show(&view::render(&scene, width, Some(height)))?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = resized.recv() => {}
            () = tokio::time::sleep(EVERY) => scene = watcher.load().await?,
        }
    }
}

async fn in_blocks(
    watcher: &mut SnapshotLoader<'_>,
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    loop {
        let scene = watcher.load().await?;
        let lines = view::render(&scene, PLAIN_WIDTH, None);
        let block: String = lines
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{block}")?;
        out.flush()?;
        drop(out);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
