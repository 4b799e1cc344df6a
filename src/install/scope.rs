//! Whose service it is, which manager runs it, and where that one looks for it.

use crate::config::Environment;
use std::path::{Path, PathBuf};

/// Whose service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine's: it runs from the start of the machine.
    System,
    /// A user's: it runs while that user is logged in, or lingers.
    User,
}

/// Who starts services on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// Linux.
    Systemd,
    /// macOS.
    Launchd,
}

/// There is no home folder to put a user's service into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service of a user belongs below the home folder, and HOME is not set")]
pub struct NoHome;

impl Manager {
    /// The one of this system.
    pub const HERE: Self = if cfg!(target_os = "macos") {
        Self::Launchd
    } else {
        Self::Systemd
    };

    /// As people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
        }
    }

    /// Where the file of the service belongs.
    ///
    /// # Errors
    /// If it is a user's, who has no home.
    pub fn file(self, scope: Scope, environment: &Environment) -> Result<PathBuf, NoHome> {
        match (self, scope) {
            (Self::Systemd, Scope::System) => {
                Ok(PathBuf::from("/etc/systemd/system/nightscribe.service"))
            }
            (Self::Systemd, Scope::User) => {
                Ok(settings(environment)?.join("systemd/user/nightscribe.service"))
            }
            (Self::Launchd, Scope::System) => {
                Ok(PathBuf::from("/Library/LaunchDaemons/nightscribe.plist"))
            }
            (Self::Launchd, Scope::User) => {
                Ok(home(environment)?.join("Library/LaunchAgents/nightscribe.plist"))
            }
        }
    }
}

/// A file of variables for the service, which a person fills with the API key where that is kept in no file of its own.
///
/// # Errors
/// If it is a user's, who has no home.
pub fn environment_file(scope: Scope, environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(match scope {
        Scope::System => PathBuf::from("/etc/nightscribe/environment"),
        Scope::User => settings(environment)?.join("nightscribe/environment"),
    })
}

fn settings(environment: &Environment) -> Result<PathBuf, NoHome> {
    match environment.get("XDG_CONFIG_HOME") {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Ok(home(environment)?.join(".config")),
    }
}

fn home(environment: &Environment) -> Result<&Path, NoHome> {
    environment.get("HOME").map(Path::new).ok_or(NoHome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Environment {
            variables: variables.collect(),
            ..Environment::default()
        }
    }

    #[test]
    fn each_manager_finds_its_file() {
        let ann = environment(&[("HOME", "/home/ann")]);
        let at = |manager: Manager, scope| manager.file(scope, &ann).unwrap();
        assert_eq!(
            at(Manager::Systemd, Scope::User),
            Path::new("/home/ann/.config/systemd/user/nightscribe.service")
        );
        assert_eq!(
            at(Manager::Launchd, Scope::User),
            Path::new("/home/ann/Library/LaunchAgents/nightscribe.plist")
        );
        assert!(at(Manager::Systemd, Scope::System).starts_with("/etc/systemd/system"));
        assert!(at(Manager::Launchd, Scope::System).starts_with("/Library/LaunchDaemons"));
    }

    #[test]
    fn settings_that_are_elsewhere_are_found_there_and_without_a_home_there_are_none() {
        let moved = environment(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/conf")]);
        assert_eq!(
            Manager::Systemd.file(Scope::User, &moved).unwrap(),
            Path::new("/conf/systemd/user/nightscribe.service")
        );
        assert_eq!(
            environment_file(Scope::User, &moved).unwrap(),
            Path::new("/conf/nightscribe/environment")
        );
        let nobody = environment(&[]);
        assert_eq!(Manager::Systemd.file(Scope::User, &nobody), Err(NoHome));
        assert!(Manager::Systemd.file(Scope::System, &nobody).is_ok());
    }
}
