//! Service manager commands that start, stop and query the service, as argument lists.

use crate::service_manager::launchd::LABEL;
use crate::service_manager::scope::{Scope, ServiceManager};
use crate::service_manager::systemd::UNIT;
use std::fmt;
use std::path::Path;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step(pub Vec<String>);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Builder of the commands for one service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceCommands<'a> {
    /// Service manager.
    pub manager: ServiceManager,
    /// System or user scope.
    pub scope: Scope,
    /// Path of the service file.
    pub file: &'a Path,
    /// ID of the calling user.
    pub uid: u32,
}

impl ServiceCommands<'_> {
    /// Returns the command that queries the state of the service manager. [`is_manager_running`] interprets its output.
    #[must_use]
    pub fn manager_state(&self) -> Step {
        match self.manager {
            ServiceManager::Systemd => self.systemctl(&["is-system-running"]),
            ServiceManager::Launchd => step(&["launchctl", "print", &self.domain()]),
        }
    }

    /// Returns the commands that enable and start the service. A running service is restarted.
    #[must_use]
    pub fn start(&self) -> Vec<Step> {
        match self.manager {
            ServiceManager::Systemd => {
                let mut steps = self.enable();
                steps.push(self.systemctl(&["restart", UNIT]));
                steps
            }
            ServiceManager::Launchd => self.enable(),
        }
    }

    /// Returns the commands that enable and start the service. A running service is not restarted.
    #[must_use]
    pub fn start_if_stopped(&self) -> Vec<Step> {
        match self.manager {
            ServiceManager::Systemd => {
                let mut steps = self.enable();
                steps.push(self.systemctl(&["start", UNIT]));
                steps
            }
            ServiceManager::Launchd => Vec::new(),
        }
    }

    /// Returns the commands that load the service file and enable the service. On systemd, this does not start it.
    #[must_use]
    pub fn enable(&self) -> Vec<Step> {
        match self.manager {
            ServiceManager::Systemd => vec![
                self.systemctl(&["daemon-reload"]),
                self.systemctl(&["enable", UNIT]),
            ],
            ServiceManager::Launchd => {
                let file = self.file.to_string_lossy();
                vec![step(&["launchctl", "bootstrap", &self.domain(), &file])]
            }
        }
    }

    /// Returns the commands that stop and disable the service. Run them before removing the service file.
    #[must_use]
    pub fn stop(&self) -> Vec<Step> {
        match self.manager {
            ServiceManager::Systemd => vec![self.systemctl(&["disable", "--now", UNIT])],
            ServiceManager::Launchd => {
                let service = format!("{}/{LABEL}", self.domain());
                vec![step(&["launchctl", "bootout", &service])]
            }
        }
    }

    /// Returns the commands that make the service manager read its files again. Run them after removing the service file.
    #[must_use]
    pub fn reload(&self) -> Vec<Step> {
        match self.manager {
            ServiceManager::Systemd => vec![self.systemctl(&["daemon-reload"])],
            ServiceManager::Launchd => Vec::new(),
        }
    }

    /// Returns the commands that query the state of the service, each with its label. Each prints one word.
    #[must_use]
    pub fn status_queries(&self) -> Vec<(&'static str, Step)> {
        match self.manager {
            ServiceManager::Systemd => vec![
                ("enabled", self.systemctl(&["is-enabled", UNIT])),
                ("active", self.systemctl(&["is-active", UNIT])),
            ],
            ServiceManager::Launchd => Vec::new(),
        }
    }

    fn systemctl(&self, arguments: &[&str]) -> Step {
        let mut words = vec!["systemctl"];
        if self.scope == Scope::User {
            words.push("--user");
        }
        words.extend(arguments);
        step(&words)
    }

    fn domain(&self) -> String {
        match self.scope {
            Scope::System => "system".to_owned(),
            Scope::User => format!("gui/{}", self.uid),
        }
    }
}

/// Whether this result of [`ServiceCommands::manager_state`] is that of a manager that starts services.
#[must_use]
pub fn is_manager_running(manager: ServiceManager, succeeded: bool, output: &str) -> bool {
    match manager {
        ServiceManager::Systemd => matches!(
            output.trim(),
            "running" | "degraded" | "starting" | "initializing" | "maintenance"
        ),
        ServiceManager::Launchd => succeeded,
    }
}

fn step(words: &[&str]) -> Step {
    Step(words.iter().map(|word| (*word).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(manager: ServiceManager, scope: Scope) -> ServiceCommands<'static> {
        ServiceCommands {
            manager,
            scope,
            file: Path::new("/f"),
            uid: 501,
        }
    }

    fn lines(steps: &[Step]) -> Vec<String> {
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn systemd_reloads_before_starting_the_unit() {
        let talk = talk(ServiceManager::Systemd, Scope::User);
        assert_eq!(
            lines(&talk.start()),
            [
                "systemctl --user daemon-reload",
                "systemctl --user enable nightscribe.service",
                "systemctl --user restart nightscribe.service",
            ]
        );
        assert_eq!(
            lines(&talk.stop()),
            ["systemctl --user disable --now nightscribe.service"]
        );
    }

    #[test]
    fn launchd_commands_name_the_domain() {
        let user = talk(ServiceManager::Launchd, Scope::User);
        assert_eq!(lines(&user.start()), ["launchctl bootstrap gui/501 /f"]);
        assert_eq!(
            lines(&talk(ServiceManager::Launchd, Scope::System).stop()),
            ["launchctl bootout system/nightscribe"]
        );
    }

    #[test]
    fn an_offline_manager_is_not_running() {
        assert!(is_manager_running(
            ServiceManager::Systemd,
            true,
            "running\n"
        ));
        assert!(is_manager_running(
            ServiceManager::Systemd,
            false,
            "degraded\n"
        ));
        assert!(!is_manager_running(
            ServiceManager::Systemd,
            false,
            "offline\n"
        ));
        assert!(!is_manager_running(ServiceManager::Systemd, false, ""));
        assert!(is_manager_running(
            ServiceManager::Launchd,
            true,
            "any output"
        ));
    }
}
