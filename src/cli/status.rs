//! `nightscribe status`

use super::args::StatusArgs;
use super::exit::{CommandError, Exit};
use super::forecast_text::Estimate;
use super::hold_text::hold_text;
use super::json::to_json_line;
use super::live;
use super::terminal::{DIM, escape_control_chars, format_duration, format_time};
use crate::app::session::Session;
use crate::app::status::{Runner, Status, status as load_status};
use crate::domain::{JobState, Timestamp};
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

/// Interval between two snapshots of `--watch --json`.
const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn status(session: &Session, args: &StatusArgs) -> Result<Exit, CommandError> {
    if args.watch && !args.json {
        return live::watch(session).await;
    }
    loop {
        let status = load_status(session).await?;
        let shown = if args.json {
            format!("{}\n", to_json_line(&status)?)
        } else {
            text(&status, session.now(), &SystemClock.zone())
        };
        let mut out = anstream::stdout().lock();
        write!(out, "{shown}")?;
        out.flush()?;
        drop(out);
        if !args.watch {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

fn text(status: &Status, now: Timestamp, zone: &TimeZone) -> String {
    let clock = |time| format_time(time, now, zone);
    let mut text = String::new();
    for state in JobState::ALL {
        let (name, count) = (state.as_str(), status.count(state));
        let remark = remark(state, status, now);
        // Writing into a string cannot fail.
        let _infallible = writeln!(text, "{name:<11}{count:>8}{remark}");
    }
    text.push('\n');
    for hold in &status.holds {
        text.push_str(&hold_text(hold, now, zone));
    }
    if let Some(time) = status.opens_at {
        let time = clock(time);
        text.push_str(&format!(
            "nothing is submitted before {time} (active_hours)\n"
        ));
    }
    text.push_str(&match status.runner {
        Some(Runner { pid, since }) => {
            format!("running since {} (process {pid})\n", clock(since))
        }
        None => "not running\n".to_owned(),
    });
    text.push_str(&figures(status, now, zone));
    let none_yet = if status.has_queue { "" } else { " (none yet)" };
    text.push_str(&format!(
        "{DIM}queue{DIM:#}         {}{none_yet}\n{DIM}configuration{DIM:#} {}\n",
        escape_control_chars(&status.queue),
        escape_control_chars(&status.config)
    ));
    text
}

fn figures(status: &Status, now: Timestamp, zone: &TimeZone) -> String {
    let mut text = String::new();
    let mut progress = Vec::new();
    if status.rate_per_hour > 0 {
        progress.push(format!("{} done in the last hour", status.rate_per_hour));
    }
    let estimate = Estimate {
        left_s: status.left_s,
        when_run_s: status.when_run_s,
        opens_at: status.opens_at,
    };
    progress.extend(estimate.text(now, zone));
    if !progress.is_empty() {
        text.push_str(&format!("{}\n", progress.join(", ")));
    }
    if status.perhaps_paid > 0 {
        let count = status.perhaps_paid;
        text.push_str(&format!(
            "{DIM}{count} submissions may have been billed without yielding a transcript{DIM:#}\n"
        ));
    }
    text
}

fn remark(state: JobState, status: &Status, now: Timestamp) -> String {
    match (state, status.over_budget, status.excluded) {
        (JobState::Queued, count @ 1.., _) => return format!("  {count} wait for the budget"),
        (JobState::Excluded, _, 1..) => return "  by the limits of their source".to_owned(),
        _ => {}
    }
    match (state, status.next_expiry, status.next_due) {
        (JobState::Pending, Some(expiry), _) if expiry > now => {
            format!(
                "  the first expires in {}",
                format_duration(expiry.since(now))
            )
        }
        (JobState::Pending, Some(_), _) => {
            "  the first has expired, unless the service still has it".to_owned()
        }
        (JobState::Queued, _, Some(due)) if due > now => {
            format!("  the next is due in {}", format_duration(due.since(now)))
        }
        (JobState::Failed, ..) if status.count(state) > 0 => {
            "  see `nightscribe list --failed`".to_owned()
        }
        _ => String::new(),
    }
}
