//! Service manager, system or user scope, and the locations of service files.

use crate::config::Environment;
use std::path::{Path, PathBuf};

/// Scope of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// System service. It runs from boot.
    System,
    /// User service. It runs while the user is logged in, or always if lingering is enabled.
    User,
}

/// Service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceManager {
    /// systemd on Linux.
    Systemd,
    /// launchd on macOS.
    Launchd,
}

/// Error of locating a user service without `HOME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot locate the user service: HOME is not set")]
pub struct NoHome;

impl ServiceManager {
    /// Service manager of this platform.
    pub const CURRENT: Self = if cfg!(target_os = "macos") {
        Self::Launchd
    } else {
        Self::Systemd
    };

    /// Returns the name of the service manager.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
        }
    }

    /// Returns the path of the service file.
    ///
    /// # Errors
    /// In user scope, if `HOME` is needed and not set.
    pub fn service_file(self, scope: Scope, environment: &Environment) -> Result<PathBuf, NoHome> {
        match (self, scope) {
            (Self::Systemd, Scope::System) => {
                Ok(PathBuf::from("/etc/systemd/system/nightscribe.service"))
            }
            (Self::Systemd, Scope::User) => {
                Ok(config_home(environment)?.join("systemd/user/nightscribe.service"))
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

/// Folders in which systemd looks for system units and their drop-ins. A file hides those of the same name in later folders.
pub const SYSTEM_UNIT_FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];

/// Returns the path of the service's environment file. A person writes the API key there if it is not in a key file.
///
/// # Errors
/// In user scope, if `HOME` is needed and not set.
pub fn environment_file(scope: Scope, environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(match scope {
        Scope::System => PathBuf::from("/etc/nightscribe/environment"),
        Scope::User => config_home(environment)?.join("nightscribe/environment"),
    })
}

fn config_home(environment: &Environment) -> Result<PathBuf, NoHome> {
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
    fn each_manager_has_its_service_file() {
        let ann = environment(&[("HOME", "/home/ann")]);
        let at = |manager: ServiceManager, scope| manager.service_file(scope, &ann).unwrap();
        assert_eq!(
            at(ServiceManager::Systemd, Scope::User),
            Path::new("/home/ann/.config/systemd/user/nightscribe.service")
        );
        assert_eq!(
            at(ServiceManager::Launchd, Scope::User),
            Path::new("/home/ann/Library/LaunchAgents/nightscribe.plist")
        );
        assert!(at(ServiceManager::Systemd, Scope::System).starts_with("/etc/systemd/system"));
        assert!(at(ServiceManager::Launchd, Scope::System).starts_with("/Library/LaunchDaemons"));
    }

    #[test]
    fn xdg_config_home_is_used_and_home_is_required() {
        let moved = environment(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/conf")]);
        assert_eq!(
            ServiceManager::Systemd
                .service_file(Scope::User, &moved)
                .unwrap(),
            Path::new("/conf/systemd/user/nightscribe.service")
        );
        assert_eq!(
            environment_file(Scope::User, &moved).unwrap(),
            Path::new("/conf/nightscribe/environment")
        );
        let empty = environment(&[]);
        assert_eq!(
            ServiceManager::Systemd.service_file(Scope::User, &empty),
            Err(NoHome)
        );
        assert!(
            ServiceManager::Systemd
                .service_file(Scope::System, &empty)
                .is_ok()
        );
    }
}
