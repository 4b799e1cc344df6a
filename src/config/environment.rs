//! Environment of the process as plain data, so that tests can replace it.

use crate::runtime::subprocess::find_executable;
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

    /// Returns the executable file for `program`, if it exists. A bare name is looked up in `$PATH`.
    #[must_use]
    pub fn find_program(&self, program: &Path) -> Option<PathBuf> {
        let folders = self.get("PATH").map(|path| path.as_os_str());
        find_executable(program, folders)
    }

    /// Resolves `path` against `folder`. A leading `~` is replaced by `$HOME`.
    ///
    /// The home folder of the account is not used without `HOME`. It may be another folder than in earlier runs, and a
    /// run that does not find its queue would pay for everything again.
    ///
    /// # Errors
    /// If the path begins with `~` and `HOME` is not an absolute path, or if it names the home folder of a user.
    pub fn resolve(&self, folder: &Path, path: &Path) -> Result<PathBuf, ResolveError> {
        if let Ok(rest) = path.strip_prefix("~") {
            // Without components, as a join would end with a `/`.
            return match rest.as_os_str().is_empty() {
                true => self.home(),
                false => Ok(self.home()?.join(rest)),
            };
        }
        if path.as_os_str().as_encoded_bytes().starts_with(b"~") {
            return Err(ResolveError::OtherHome);
        }
        Ok(self.working_dir.join(folder).join(path))
    }

    fn home(&self) -> Result<PathBuf, ResolveError> {
        let home = self.get("HOME").ok_or(ResolveError::NoHome)?;
        let home = PathBuf::from(home);
        match home.is_absolute() {
            true => Ok(home),
            false => Err(ResolveError::RelativeHome),
        }
    }
}

/// Error of resolving a path that begins with `~`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The variable is not set, as in some cron jobs, containers and system services.
    #[error(
        "`~` is the folder in the environment variable HOME, which is not set; set it, or write the full path"
    )]
    NoHome,
    /// The variable is not an absolute path.
    #[error(
        "`~` is the folder in the environment variable HOME, which is not an absolute path; correct it, or write the full path"
    )]
    RelativeHome,
    /// The path begins with `~` and a name, which the shell replaces by the home folder of that user.
    #[error(
        "the home folder of another user is not looked up; write the full path (or begin with `./` if the name contains `~`)"
    )]
    OtherHome,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(home: Option<&str>, path: &str) -> Result<PathBuf, ResolveError> {
        let mut environment = Environment {
            working_dir: "/srv".into(),
            ..Environment::default()
        };
        if let Some(home) = home {
            environment.variables.insert("HOME".into(), home.into());
        }
        environment.resolve(Path::new("folder"), Path::new(path))
    }

    #[test]
    fn a_tilde_is_the_home_folder_or_an_error() {
        assert_eq!(
            resolve(Some("/home/me"), "~").unwrap(),
            Path::new("/home/me")
        );
        let state = resolve(Some("/home/me"), "~/state");
        assert_eq!(state.unwrap(), Path::new("/home/me/state"));
        for unset in [None, Some("")] {
            assert_eq!(resolve(unset, "~/state"), Err(ResolveError::NoHome));
            assert_eq!(resolve(unset, "~"), Err(ResolveError::NoHome));
        }
        let relative = resolve(Some("me"), "~/state");
        assert_eq!(relative, Err(ResolveError::RelativeHome));
        let other = resolve(Some("/home/me"), "~ann/state");
        assert_eq!(other, Err(ResolveError::OtherHome));
    }

    #[test]
    fn other_paths_need_no_home() {
        let path = |path| resolve(None, path).unwrap();
        assert_eq!(path("state"), Path::new("/srv/folder/state"));
        assert_eq!(path("./~ann"), Path::new("/srv/folder/./~ann"));
        assert_eq!(path("a/~"), Path::new("/srv/folder/a/~"));
        assert_eq!(path("/srv/state"), Path::new("/srv/state"));
    }
}
