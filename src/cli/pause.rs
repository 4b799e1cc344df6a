//! `nightscribe pause` and `nightscribe resume`

use super::args::{PauseArgs, ResumeArgs};
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{escape_control_chars, format_time, pluralize};
use crate::app::actions::pause::{self as action, PauseResult, ResumeResult};
use crate::app::session::Session;
use crate::domain::Hold;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::source_holds::ApprovedSource;
use serde::Serialize;
use std::io::Write;

pub(super) async fn pause(session: &Session, args: &PauseArgs) -> Result<Exit, CommandError> {
    let (now, zone) = (session.now(), SystemClock.zone());
    let until = args.until.map(|time| {
        time.next_after(now, &zone).ok_or_else(|| {
            let message = "--until: cannot compute the time; check the system clock";
            CommandError::new(Exit::Usage, message)
        })
    });
    let until = until.transpose()?;
    action::pause(session, until, &zone).await?;
    if args.json {
        return print_json(&PauseResult {
            is_paused: true,
            until,
        });
    }
    let end = until.map_or_else(String::new, |until| {
        format!("{} or ", format_time(until, now, &zone))
    });
    writeln!(
        anstream::stdout().lock(),
        "Submissions are paused until {end}`nightscribe resume`; pending items are still collected."
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
    if args.json {
        return print_json(&ResumeResult {
            is_resumed,
            approved,
            still_held,
        });
    }
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

fn print_json(result: &impl Serialize) -> Result<Exit, CommandError> {
    writeln!(anstream::stdout().lock(), "{}", to_json_line(result)?)?;
    Ok(Exit::Done)
}
