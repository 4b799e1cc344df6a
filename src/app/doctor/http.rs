//! Check of the token of the page.

use super::check_result::{CheckResult, CheckStatus};
use super::secret_files::with_mode;
use crate::app::session::Session;
use crate::config::token::read_token;

/// Checks that the token can be used, if there is to be one.
pub(super) fn check(session: &Session) -> Option<CheckResult> {
    let http = &session.config.http;
    let address = http.listen?;
    let Some(source) = &http.token else {
        let message = format!("the daemon listens on {address}, without a token");
        return Some(CheckResult::new(CheckStatus::Passed, "http", message));
    };
    Some(match read_token(http, &session.environment) {
        Ok(_) => with_mode(
            "http",
            source,
            format!("the daemon listens on {address}, with a token"),
        ),
        Err(error) => CheckResult::from_result("http", Err(error.into())),
    })
}
