//! `nightscribe check`: prints one line for each check.

use super::args::GlobalArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::service::readiness::{SERVICE_KEY, check_installed};
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
            let installed = check_installed(&session);
            if installed.iter().any(is_own_key) {
                results.iter_mut().for_each(excuse_missing_key);
            }
            results.extend(installed);
            results
        }
        Err(error) => vec![CheckResult::from_result("configuration", Err(error.into()))],
    };
    print_all(&results, as_json)
}

/// Whether this is the result of a service that has a key of its own, such as an encrypted credential.
fn is_own_key(result: &CheckResult) -> bool {
    result.name == SERVICE_KEY && result.status == CheckStatus::Passed
}

/// Turns a missing key of this shell into a warning. Only commands that contact the service by hand need it.
fn excuse_missing_key(result: &mut CheckResult) {
    if result.name == "key" && result.is_failed() {
        result.status = CheckStatus::Warning;
        result.message.push_str(
            "\nthe installed service has a key of its own, so only commands in this shell need one",
        );
    }
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
