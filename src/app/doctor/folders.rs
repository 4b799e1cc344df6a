//! Checks of the state folder and the output folder. They create nothing.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::app::session::Session;
use crate::config::Config;
use crate::disk::free_space::{MIN_FREE_BYTES, free_bytes};
use crate::store::Store;
use rustix::fs::{Access, access};
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long the search for damage in the database may take.
const INTEGRITY_LIMIT: Duration = Duration::from_secs(20);
/// Free space below which a long run may be held, in bytes.
const LOW_SPACE: u64 = 1 << 30;

/// Checks the queue, the output folder and the free space.
pub(super) async fn check(session: &Session) -> Vec<CheckResult> {
    let config = &session.config;
    vec![state(session).await, output(config), free_space(config)]
}

async fn state(session: &Session) -> CheckResult {
    let folder = &session.config.state.dir;
    let opened = match session.has_store() {
        Ok(true) => Store::open(folder).await,
        Ok(false) => return CheckResult::from_result("state", usable(folder)),
        Err(error) => Err(error),
    };
    let store = match opened {
        Ok(store) => store,
        Err(error) => return CheckResult::from_result("state", Err(error.into())),
    };
    let path = path_text(store.path());
    let checked = store.check_integrity(INTEGRITY_LIMIT).await;
    store.close().await;
    match checked {
        Ok(false) => CheckResult::new(
            CheckStatus::Warning,
            "state",
            format!("{path}: no damage found, but the time was too short for the whole database"),
        ),
        checked => CheckResult::from_result("state", checked.map(|_| path).map_err(Into::into)),
    }
}

fn output(config: &Config) -> CheckResult {
    CheckResult::from_result("output", usable(&config.output.dir))
}

/// Checks that files can be created in a folder, which a run creates if it is missing.
fn usable(folder: &Path) -> Result<String, Box<dyn Error>> {
    let path = path_text(folder);
    let found = existing(folder).map_err(|error| format!("{path}: {error}"))?;
    if !found.is_dir() {
        return Err(format!("{}: not a folder", path_text(found)).into());
    }
    access(found, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| format!("{}: {}", path_text(found), io::Error::from(error)))?;
    Ok(match found == folder {
        true => path,
        false => format!("{path}: the first run creates it"),
    })
}

/// Returns the folder, or the nearest existing one above it.
fn existing(folder: &Path) -> io::Result<&Path> {
    for path in folder.ancestors() {
        if path.try_exists()? {
            return Ok(path);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn free_space(config: &Config) -> CheckResult {
    let folder = existing(&config.state.dir).unwrap_or(&config.state.dir);
    let free = free_bytes(folder);
    let message = free.map_or_else(
        || "free space is unknown".to_owned(),
        |free| format!("{} MiB free for results", free >> 20),
    );
    match free {
        Some(free) if free < MIN_FREE_BYTES => {
            CheckResult::new(CheckStatus::Failed, "disk", message)
        }
        Some(free) if free >= LOW_SPACE => CheckResult::new(CheckStatus::Passed, "disk", message),
        _ => CheckResult::new(CheckStatus::Warning, "disk", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_usable_if_it_can_be_created() {
        let root = tempfile::tempdir().unwrap();
        let text = |name: &str| usable(&root.path().join(name)).map_err(|error| error.to_string());
        assert!(
            text("a/b")
                .unwrap()
                .ends_with("a/b: the first run creates it")
        );
        assert!(!root.path().join("a").exists());
        assert!(text(".").is_ok());
        std::fs::write(root.path().join("file"), "").unwrap();
        assert!(text("file").unwrap_err().ends_with("file: not a folder"));
        assert!(text("file/inner").is_err());
    }
}
