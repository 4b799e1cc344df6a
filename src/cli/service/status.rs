//! `nightscribe service status`

use super::target::Target;
use super::{manager, night};
use crate::cli::args::Global;
use crate::cli::check::{Line, Verdict, judged, line, tell};
use crate::cli::exit::{Exit, Report};
use crate::cli::terminal::shown;

pub(super) fn status(target: &Target, global: &Global) -> Result<Exit, Report> {
    let lines = match target.installed()? {
        None => {
            let message = format!(
                "{} does not exist; `nightscribe service install` writes it",
                shown(&target.file)
            );
            vec![line(Verdict::Wrong, "installed", message)]
        }
        Some(text) => {
            let mut lines = vec![line(Verdict::Ready, "installed", shown(&target.file))];
            let (config, setup) = target.planned(global)?;
            lines.push(night::current(target, &setup, &text));
            lines.extend(manager_status(target));
            lines.extend(night::obstacles(target, &config, &text));
            lines
        }
    };
    lines.iter().try_for_each(tell)?;
    let is_wrong = lines.iter().any(Line::is_wrong);
    Ok(if is_wrong { Exit::Usage } else { Exit::Done })
}

/// Queries the service manager.
fn manager_status(target: &Target) -> Vec<Line> {
    if !manager::runs(target) {
        let message = format!("{} is not running here", target.manager.name());
        return vec![line(Verdict::Doubtful, "active", message)];
    }
    let questions = target.talk().questions().into_iter();
    questions
        .map(|(what, step)| match manager::ask(&step) {
            Some(output) if output.succeeded => judged(what, Ok(output.stdout)),
            Some(output) if output.stdout.is_empty() => line(Verdict::Wrong, what, output.stderr),
            Some(output) => line(Verdict::Wrong, what, output.stdout),
            None => line(Verdict::Doubtful, what, format!("`{step}` cannot be run")),
        })
        .collect()
}
