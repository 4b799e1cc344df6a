//! `nightscribe status --watch`: a live view on a terminal, and plain blocks of text otherwise.
//!
//! - `view`: rendering of a snapshot for any terminal size
//! - `controls`: keys
//! - `line`: lines fitted to the terminal width
//! - `screen`: terminal control

mod controls;
mod line;
mod screen;
mod view;

use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use crate::app::live::SnapshotLoader;
use crate::app::session::Session;
use controls::{Controls, Effect};
use crossterm::event::EventStream;
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use screen::Screen;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use view::Scene;

/// Refresh interval.
const EVERY: Duration = Duration::from_secs(1);
/// Width in columns without a terminal.
const PLAIN_WIDTH: usize = 80;

/// Shows the queue until SIGINT, SIGTERM or `q`.
///
/// # Errors
/// If the database fails or the output cannot be written.
pub(super) async fn watch(session: &Session) -> Result<Exit, CommandError> {
    let stop = stop_on_signal(|| ())?;
    let mut loader = SnapshotLoader::start(&session.config.sources);
    if std::io::stdout().is_terminal() {
        on_terminal(session, &mut loader, &stop).await?;
    } else {
        in_blocks(session, &mut loader, &stop).await?;
    }
    Ok(Exit::Done)
}

async fn load(session: &Session, loader: &mut SnapshotLoader) -> Result<Scene, CommandError> {
    Ok(Scene {
        snapshot: loader.load(session).await?,
        zone: TimeZone::system(),
    })
}

async fn on_terminal(
    session: &Session,
    loader: &mut SnapshotLoader,
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    let mut scene = load(session, loader).await?;
    // Entered after the first snapshot, so that an early error is printed on the normal screen.
    let screen = Screen::enter()?;
    let (mut controls, mut keys) = (Controls::default(), EventStream::new());
    let mut next = Instant::now() + EVERY;
    loop {
        let (width, height) = Screen::size();
        screen.show(&view::render(&scene, &mut controls, width, Some(height)))?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // Without a keyboard, the view goes on.
            Some(Ok(event)) = keys.next() => match controls.apply(&event) {
                Effect::Quit => return Ok(()),
                Effect::Redraw | Effect::None => {}
            },
            () = tokio::time::sleep_until(next) => {
                scene = load(session, loader).await?;
                next = Instant::now() + EVERY;
            }
        }
    }
}

async fn in_blocks(
    session: &Session,
    loader: &mut SnapshotLoader,
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    loop {
        let scene = load(session, loader).await?;
        let lines = view::render(&scene, &mut Controls::default(), PLAIN_WIDTH, None);
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
