//! Environment of the process as plain data, so that tests can replace it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Environment variables and working folder of a process.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// The working folder.
    pub working_dir: PathBuf,
}

impl Environment {
    /// Returns the environment of this process.
    ///
    /// # Errors
    /// If the working folder no longer exists.
    pub fn from_process() -> std::io::Result<Self> {
        Ok(Self {
            variables: std::env::vars_os().collect(),
            working_dir: std::env::current_dir()?,
        })
    }

    /// Returns the value of a variable. `None` if it is unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.variables
            .get(std::ffi::OsStr::new(name))
            .filter(|value| !value.is_empty())
    }

    /// Resolves `path` against `folder`. A leading `~` is replaced by `$HOME`.
    #[must_use]
    pub fn resolve(&self, folder: &Path, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.get("HOME")) {
            (Ok(rest), Some(home)) if rest.as_os_str().is_empty() => PathBuf::from(home),
            (Ok(rest), Some(home)) => Path::new(home).join(rest),
            _ => self.working_dir.join(folder).join(path),
        }
    }
}
