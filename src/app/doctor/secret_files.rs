//! Access rights of files with secrets.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::config::KeySource;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Permission of all users to read a file.
const READABLE_BY_ALL: u32 = 0o004;

/// Returns the result of a check that passed, or a warning if all users can read the file of the secret.
pub(super) fn with_mode(name: &'static str, secret: &KeySource, message: String) -> CheckResult {
    match open_file(secret) {
        None => CheckResult::new(CheckStatus::Passed, name, message),
        Some(file) => {
            let file = path_text(file);
            let message =
                format!("{message}\nall users of this machine can read it: chmod 600 {file}");
            CheckResult::new(CheckStatus::Warning, name, message)
        }
    }
}

/// Returns the file of the secret if all users can read it.
pub(super) fn open_file(secret: &KeySource) -> Option<&Path> {
    let KeySource::File(path) = secret else {
        return None;
    };
    let found = path.metadata().ok()?;
    (found.is_file() && found.mode() & READABLE_BY_ALL != 0).then_some(path)
}
