//! `nightscribe check`: prints one line for each check.

use super::args::GlobalArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::service::readiness::check_installed;
use super::terminal::{ERROR, SUCCESS, WARN, printable_lines};
use crate::app::doctor::check_all;
use crate::app::doctor::check_result::{CheckResult, CheckStatus};
use crate::app::error::AppError;
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn check(global: &GlobalArgs, as_json: bool) -> Result<Exit, CommandError> {
    let results = match load(global) {
        Ok(session) => {
            let mut results = check_all(&session).await;
            results.extend(check_installed(&session));
            results
        }
        Err(error) => vec![CheckResult::from_result("configuration", Err(error.into()))],
    };
    print_all(&results, as_json)
}

fn load(global: &GlobalArgs) -> Result<Session, AppError> {
    let session = Session::load(global.config.as_deref())?;
    session.require_config_file()?;
    Ok(session)
}

/// Prints the results, and returns the exit code.
pub(super) fn print_all(results: &[CheckResult], as_json: bool) -> Result<Exit, CommandError> {
    for result in results {
        if as_json {
            writeln!(anstream::stdout().lock(), "{}", to_json_line(result)?)?;
        } else {
            print(result)?;
        }
    }
    let is_wrong = results.iter().any(CheckResult::is_failed);
    Ok(if is_wrong { Exit::Usage } else { Exit::Done })
}

fn print(line: &CheckResult) -> Result<(), CommandError> {
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
