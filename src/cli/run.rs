//! `nightscribe run`

use super::args::{GlobalArgs, RunArgs};
use super::display;
use super::exit::{CommandError, Exit};
use super::plan::plan;
use super::signals::stop_on_signal;
use crate::app::plan::PlanLimits;
use crate::app::session::Session;
use crate::config::read_key;
use crate::domain::{HoldKind, Timestamp};
use crate::notify::Channels;
use crate::pipeline::{self, Mode, Setup, Summary};
use crate::provider::aimlapi::options;
use crate::runtime::clock::{Clock, SystemClock};
use std::sync::Arc;

pub(super) async fn run(
    session: Session,
    args: &RunArgs,
    global: &GlobalArgs,
) -> Result<Exit, CommandError> {
    session.require_config_file()?;
    if args.dry_run {
        let scope = PlanLimits {
            limit: args.limit,
            until: until(args, &SystemClock)?,
        };
        return plan(&session, false, &scope).await;
    }
    let key = read_key(&session.config.api.key, &session.environment)?;
    let channels = Channels::new(&session.config, &session.environment)?;
    let stop = stop_on_signal()?;
    if session.config.sources.is_empty() {
        tracing::warn!("no [[source]] is configured, so no recordings are found");
    }
    for source in &session.config.sources {
        for warning in options::warnings(&source.request) {
            tracing::warn!(source = source.name, "{warning}");
        }
    }
    let mode = if args.once { Mode::Once } else { Mode::Daemon };
    let until = until(args, &SystemClock)?;
    let display = display::for_run(global);
    let setup = Setup {
        config: session.config,
        key,
        mode,
        until,
        limit: args.limit,
        clock: Arc::new(SystemClock),
        observer: display.clone(),
        channels,
        stop: stop.child_token(),
    };
    let summary = pipeline::run(setup).await;
    display.finish();
    let summary = summary?;
    display.summarize(&summary);
    Ok(if stop.is_cancelled() || mode == Mode::Daemon {
        Exit::Done
    } else {
        exit_code(&summary)
    })
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
    let held = summary
        .holds
        .iter()
        .any(|hold| hold.kind.is_probed() || hold.kind == HoldKind::Operator && summary.queued);
    if held {
        Exit::Held
    } else if summary.failed > 0
        || summary.unwritten
        || summary.unreachable
        || !summary.failing_models.is_empty()
    {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}
