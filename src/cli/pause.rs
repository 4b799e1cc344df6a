//! `nightscribe pause` and `nightscribe resume`

use super::exit::{CommandError, Exit};
use crate::app::actions::pause as action;
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn pause(session: &Session) -> Result<Exit, CommandError> {
    action::pause(session).await?;
    writeln!(
        anstream::stdout().lock(),
        "Submissions are paused until `nightscribe resume`; pending items are still collected."
    )?;
    Ok(Exit::Done)
}

pub(super) async fn resume(session: &Session) -> Result<Exit, CommandError> {
    let message = if action::resume(session).await? {
        "Submissions resumed."
    } else {
        "Nothing was paused."
    };
    writeln!(anstream::stdout().lock(), "{message}")?;
    Ok(Exit::Done)
}
