//! `nightscribe run`

use super::args::{GlobalArgs, RunArgs};
use super::display;
use super::exit::{CommandError, Exit};
use super::plan::plan;
use super::reload::{ReloadableRun, RunSettings};
use super::selectors::{no_item, selected};
use super::signals::{hangups, stop_on_signal};
use super::terminal::print_error;
use crate::app::items;
use crate::app::plan::PlanLimits;
use crate::app::session::Session;
use crate::domain::{HoldKind, JobId, JobState, Timestamp};
use crate::pipeline::lock::LockError;
use crate::pipeline::{Lock, Mode, Summary};
use crate::runtime::clock::{Clock, SystemClock};
use std::io::IsTerminal;

pub(super) async fn run(
    mut session: Session,
    args: &RunArgs,
    global: &GlobalArgs,
) -> Result<Exit, CommandError> {
    let until = until(args, &SystemClock)?;
    if args.dry_run {
        let limit = args.limit;
        session.restrict_to_sources(&args.sources)?;
        let sources = args.sources.clone();
        let limits = PlanLimits {
            limit,
            until,
            sources,
        };
        return plan(&session, args.json, &limits).await;
    }
    let only = match args.items.is_empty() {
        true => None,
        false => Some(unfinished(&session, &args.items).await?),
    };
    let settings = RunSettings::new(session, &args.sources)?;
    let lock = Lock::take(settings.state_dir());
    let lock = lock.map_err(|error| lock_error(error, args, global))?;
    let display = display::for_run(global, args.events);
    let last_words = display.clone();
    let stop = stop_on_signal(move || last_words.last_words())?;
    let run = ReloadableRun {
        mode: match args.once || only.is_some() {
            true => Mode::Once,
            false => Mode::Daemon,
        },
        only,
        until,
        limit: args.limit,
        lock,
        display: display.clone(),
        stop: stop.clone(),
        hangups: hangups()?,
        had_terminal: std::io::stderr().is_terminal(),
    };
    let mode = run.mode;
    let summary = run.run(settings).await;
    display.finish();
    let summary = summary?;
    display.summarize(&summary);
    Ok(if stop.is_cancelled() || mode == Mode::Daemon {
        Exit::Done
    } else {
        exit_code(&summary)
    })
}

/// Returns the items of the words.
///
/// # Errors
/// If a word selects no item, or one that is not to be transcribed.
async fn unfinished(session: &Session, words: &[String]) -> Result<Vec<JobId>, CommandError> {
    let (items, mut is_refused) = selected(session, words).await?;
    for &item in &items {
        let details = items::details_of(session, item).await?;
        let message = match details.map(|details| details.item.state) {
            None => no_item(&item),
            Some(JobState::Done) => {
                format!("item {item} is done; `nightscribe open {item}` shows it")
            }
            Some(state) if state.is_terminal() => {
                format!("item {item} is {state}; `nightscribe retry {item}` queues it again")
            }
            Some(_) => continue,
        };
        is_refused = true;
        print_error(&message);
    }
    match is_refused {
        true => Err(CommandError::new(Exit::Usage, "")),
        false => Ok(items),
    }
}

/// Converts the error of taking the lock. A quiet run of limited length, as from cron, says nothing about another one
/// that is still active.
fn lock_error(error: LockError, args: &RunArgs, global: &GlobalArgs) -> CommandError {
    let is_limited = args.once || args.until.is_some() || args.duration.is_some();
    match error {
        LockError::Held { .. } if global.quiet && is_limited => CommandError::new(Exit::Busy, ""),
        error => error.into(),
    }
}

/// Returns the time at which submissions stop, from `--until` or `--for`.
fn until(args: &RunArgs, clock: &impl Clock) -> Result<Option<Timestamp>, CommandError> {
    let now = clock.now();
    let Some(time) = args.until else {
        return Ok(args.duration.map(|duration| now.after(duration)));
    };
    let next = time.next_after(now, &clock.zone());
    next.map(Some).ok_or_else(|| {
        CommandError::new(
            Exit::Usage,
            "--until: cannot compute the time; check the system clock",
        )
    })
}

/// Returns the exit code of a completed run.
pub(super) fn exit_code(summary: &Summary) -> Exit {
    let held = summary.holds.iter().any(|hold| match hold.kind {
        HoldKind::Operator => summary.queued,
        HoldKind::LooksPaid => true,
        kind => kind.is_probed(),
    });
    if held {
        Exit::Held
    } else if summary.failed > 0 || !summary.problems.is_empty() {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}
