//! `nightscribe check`: prints one line for each check.

use super::args::GlobalArgs;
use super::exit::{CommandError, Exit};
use super::service::readiness::check_installed;
use super::terminal::{ERROR, SUCCESS, WARN, printable_lines};
use crate::app::doctor::check_all;
use crate::app::doctor::check_result::{CheckResult, CheckStatus};
use crate::app::session::{Session, environment};
use crate::config;
use std::io::Write;

pub(super) async fn check(global: &GlobalArgs) -> Result<Exit, CommandError> {
    let environment = environment()?;
    let config = match config::load(global.config.as_deref(), &environment) {
        Ok(config) => config,
        Err(error) => {
            print(&CheckResult::from_result(
                "configuration",
                Err(error.into()),
            ))?;
            return Ok(Exit::Usage);
        }
    };
    let session = Session {
        config,
        environment,
    };
    let mut results = check_all(&session).await;
    results.extend(check_installed(&session));
    results.iter().try_for_each(print)?;
    let is_wrong = results.iter().any(CheckResult::is_failed);
    Ok(if is_wrong { Exit::Usage } else { Exit::Done })
}

pub(super) fn print(line: &CheckResult) -> Result<(), CommandError> {
    let (style, word) = match line.status {
        CheckStatus::Passed => (SUCCESS, "ok  "),
        CheckStatus::Warning => (WARN, "warn"),
        CheckStatus::Failed => (ERROR, "FAIL"),
    };
    let message = printable_lines(&line.message).replace('\n', "\n                    ");
    Ok(writeln!(
        anstream::stdout().lock(),
        "{style}{word}{style:#}  {:<13} {message}",
        line.name
    )?)
}
