//! Result of one check.

use crate::domain::control_chars::escape_control_chars;
use crate::domain::readable_path::readable_path;
use serde::Serialize;
use std::error::Error;
use std::path::Path;

/// Status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Nothing to do.
    Passed,
    /// It works now, but may fail later, or it cannot be checked.
    Warning,
    /// A run would fail.
    Failed,
}

/// Result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckResult {
    /// Status.
    pub status: CheckStatus,
    /// Name of the checked prerequisite.
    pub name: &'static str,
    /// The finding, or the fault and its repair. May have several lines.
    pub message: String,
}

impl CheckResult {
    /// Creates a result.
    #[must_use]
    pub const fn new(status: CheckStatus, name: &'static str, message: String) -> Self {
        Self {
            status,
            name,
            message,
        }
    }

    /// Converts a `Result`. An error has the messages of all its sources.
    #[must_use]
    pub fn from_result(name: &'static str, result: Result<String, Box<dyn Error>>) -> Self {
        match result {
            Ok(message) => Self::new(CheckStatus::Passed, name, message),
            Err(error) => {
                let mut message = error.to_string();
                let mut cause = error.source();
                while let Some(error) = cause {
                    message.push_str(&format!(": {error}"));
                    cause = error.source();
                }
                Self::new(CheckStatus::Failed, name, message)
            }
        }
    }

    /// Returns whether the check failed.
    #[must_use]
    pub const fn is_failed(&self) -> bool {
        matches!(self.status, CheckStatus::Failed)
    }
}

/// Returns a path on one line. Control characters and bytes that are not UTF-8 are escaped.
pub(super) fn path_text(path: impl AsRef<Path>) -> String {
    escape_control_chars(&readable_path(path.as_ref()))
}
