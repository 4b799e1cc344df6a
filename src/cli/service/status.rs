//! `nightscribe service status`

use super::installed_unit;
use super::manager;
use super::target::ServiceTarget;
use crate::app::doctor::check_result::{CheckResult, CheckStatus};
use crate::cli::args::GlobalArgs;
use crate::cli::check::print_all;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::service::readiness;
use crate::cli::terminal::printable_path;

pub(super) fn status(
    target: &ServiceTarget,
    global: &GlobalArgs,
    as_json: bool,
) -> Result<Exit, CommandError> {
    let lines = match installed_unit::find(target)? {
        None => {
            let message = format!(
                "{} does not exist; `nightscribe service install` writes it",
                printable_path(&target.file)
            );
            vec![CheckResult::new(CheckStatus::Failed, "installed", message)]
        }
        Some(unit) => {
            let mut lines = vec![CheckResult::new(
                CheckStatus::Passed,
                "installed",
                printable_path(&unit.file),
            )];
            let (config, setup) = target.load_plan(global)?;
            lines.push(readiness::check_up_to_date(target, &setup, &unit));
            lines.extend(manager_status(target));
            lines.extend(readiness::check_unattended(target, &config, &unit.text));
            lines
        }
    };
    print_all(&lines, as_json)
}

/// Queries the service manager.
fn manager_status(target: &ServiceTarget) -> Vec<CheckResult> {
    if !manager::is_running_here(target) {
        let message = format!("{} is not running here", target.manager.name());
        return vec![CheckResult::new(CheckStatus::Warning, "active", message)];
    }
    let questions = target.commands().status_queries().into_iter();
    questions
        .map(|(what, step)| match manager::run(&step) {
            Some(output) if output.succeeded => CheckResult::from_result(what, Ok(output.stdout)),
            Some(output) if output.stdout.is_empty() => {
                CheckResult::new(CheckStatus::Failed, what, output.stderr)
            }
            Some(output) => CheckResult::new(CheckStatus::Failed, what, output.stdout),
            None => CheckResult::new(
                CheckStatus::Warning,
                what,
                format!("`{step}` cannot be run"),
            ),
        })
        .collect()
}
