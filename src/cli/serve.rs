//! `nightscribe serve`

use super::args::ServeArgs;
use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use crate::app::session::Session;
use crate::http::{DEFAULT_LISTEN, ServeError, Server};
use std::io::Write;

pub(super) async fn serve(session: Session, args: &ServeArgs) -> Result<Exit, CommandError> {
    let stop = stop_on_signal(|| ())?;
    let configured = session.config.http.listen;
    let listen = args.listen.or(configured).unwrap_or(DEFAULT_LISTEN);
    let server = Server::start(session, listen).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    drop(out);
    stop.cancelled().await;
    server.stop().await;
    Ok(Exit::Done)
}

impl From<ServeError> for CommandError {
    fn from(error: ServeError) -> Self {
        Self::from_error(Exit::Usage, &error)
    }
}
