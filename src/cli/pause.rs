//! `nightscribe pause` and `nightscribe resume`

use super::args::ResumeArgs;
use super::exit::{CommandError, Exit};
use super::terminal::{escape_control_chars, pluralize};
use crate::app::actions::pause as action;
use crate::app::session::Session;
use crate::domain::Hold;
use crate::store::sqlite::source_holds::ApprovedSource;
use std::io::Write;

pub(super) async fn pause(session: &Session) -> Result<Exit, CommandError> {
    action::pause(session).await?;
    writeln!(
        anstream::stdout().lock(),
        "Submissions are paused until `nightscribe resume`; pending items are still collected."
    )?;
    Ok(Exit::Done)
}

pub(super) async fn resume(session: &Session, args: &ResumeArgs) -> Result<Exit, CommandError> {
    let approved = match args.submit_anyway {
        true => action::submit_anyway(session).await?,
        false => Vec::new(),
    };
    let is_resumed = action::resume(session).await?;
    let still_held = action::source_holds(session).await?;
    let mut out = anstream::stdout().lock();
    for source in &approved {
        writeln!(out, "{}", approval(source))?;
    }
    if is_resumed {
        writeln!(out, "Submissions resumed.")?;
    } else if args.submit_anyway && approved.is_empty() {
        writeln!(out, "No recording was held because it looks paid already.")?;
    } else if !args.submit_anyway {
        writeln!(out, "Nothing was paused.")?;
    }
    for hold in &still_held {
        writeln!(out, "{}", remaining(hold))?;
    }
    Ok(Exit::Done)
}

fn approval(approved: &ApprovedSource) -> String {
    let recordings = pluralize(approved.recordings, "recording", "recordings");
    let source = escape_control_chars(&approved.source);
    format!("{recordings} of {source} will be submitted.")
}

/// Returns the sentence for a hold that a command did not end.
pub(super) fn remaining(hold: &Hold) -> String {
    let (message, advice) = (escape_control_chars(&hold.message), hold.kind.advice());
    format!("Still held: {message}. {advice}")
}
