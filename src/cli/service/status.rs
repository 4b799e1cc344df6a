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
            let said = format!(
                "there is no {}; `nightscribe service install` writes it",
                shown(&target.file)
            );
            vec![line(Verdict::Wrong, "installed", said)]
        }
        Some(text) => {
            let mut lines = vec![line(Verdict::Ready, "installed", shown(&target.file))];
            let (config, setup) = target.planned(global)?;
            lines.push(night::current(target, &setup, &text));
            lines.extend(asked(target));
            lines.extend(night::obstacles(target, &config, &text));
            lines
        }
    };
    lines.iter().try_for_each(tell)?;
    let is_wrong = lines.iter().any(Line::is_wrong);
    Ok(if is_wrong { Exit::Usage } else { Exit::Done })
}

/// What the manager says.
fn asked(target: &Target) -> Vec<Line> {
    if !manager::runs(target) {
        let said = format!("{} does not run here", target.manager.name());
        return vec![line(Verdict::Doubtful, "active", said)];
    }
    let questions = target.talk().questions().into_iter();
    questions
        .map(|(what, step)| match manager::ask(&step) {
            Some(said) if said.succeeded => judged(what, Ok(said.stdout)),
            Some(said) if said.stdout.is_empty() => line(Verdict::Wrong, what, said.stderr),
            Some(said) => line(Verdict::Wrong, what, said.stdout),
            None => line(Verdict::Doubtful, what, format!("`{step}` cannot be run")),
        })
        .collect()
}
