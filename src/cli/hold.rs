//! `nightscribe pause` and `nightscribe resume`

use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use crate::domain::{Hold, HoldKind};
use std::io::Write;

/// Reason that `status` shows for a pause.
const PAUSED: &str = "paused by `nightscribe pause`";

pub(super) async fn pause(session: &Session) -> Result<Exit, CommandError> {
    let store = session.store().await?;
    store
        .hold(Hold::new(
            HoldKind::Operator,
            session.now(),
            PAUSED.to_owned(),
        ))
        .await?;
    store.close().await;
    writeln!(
        anstream::stdout().lock(),
        "Submissions are paused until `nightscribe resume`; pending items are still collected."
    )?;
    Ok(Exit::Done)
}

pub(super) async fn resume(session: &Session) -> Result<Exit, CommandError> {
    let released = match session.existing_store().await? {
        None => false,
        Some(store) => {
            let released = store.release(HoldKind::Operator).await?;
            store.close().await;
            released
        }
    };
    let message = if released {
        "Submissions resumed."
    } else {
        "Nothing was paused."
    };
    writeln!(anstream::stdout().lock(), "{message}")?;
    Ok(Exit::Done)
}
