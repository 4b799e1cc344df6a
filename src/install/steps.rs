//! The commands that start, stop and ask a service, as lists of words.

use super::launchd::LABEL;
use super::scope::{Manager, Scope};
use super::systemd::UNIT;
use std::fmt;
use std::path::Path;

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step(pub Vec<String>);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// A service, as its manager is spoken to of it.
#[derive(Debug, Clone, Copy)]
pub struct Talk<'a> {
    /// Whose manager.
    pub manager: Manager,
    /// Which of them.
    pub scope: Scope,
    /// The file of the service.
    pub file: &'a Path,
    /// The user who speaks.
    pub uid: u32,
}

impl Talk<'_> {
    /// Whether there is a manager that runs. It says so with [`is_running`].
    #[must_use]
    pub fn manager_runs(&self) -> Step {
        match self.manager {
            Manager::Systemd => self.systemctl(&["is-system-running"]),
            Manager::Launchd => step(&["launchctl", "print", &self.domain()]),
        }
    }

    /// Starts the service now and with every start of its manager; one that runs begins anew.
    #[must_use]
    pub fn start(&self) -> Vec<Step> {
        match self.manager {
            Manager::Systemd => {
                let mut steps = self.enable();
                steps.push(self.systemctl(&["restart", UNIT]));
                steps
            }
            Manager::Launchd => self.enable(),
        }
    }

    /// The same, but what is there already goes on as it is.
    #[must_use]
    pub fn keep(&self) -> Vec<Step> {
        match self.manager {
            Manager::Systemd => {
                let mut steps = self.enable();
                steps.push(self.systemctl(&["start", UNIT]));
                steps
            }
            Manager::Launchd => Vec::new(),
        }
    }

    /// Makes the manager know the service, and start it from the next time on.
    #[must_use]
    pub fn enable(&self) -> Vec<Step> {
        match self.manager {
            Manager::Systemd => vec![
                self.systemctl(&["daemon-reload"]),
                self.systemctl(&["enable", UNIT]),
            ],
            Manager::Launchd => {
                let file = self.file.to_string_lossy();
                vec![step(&["launchctl", "bootstrap", &self.domain(), &file])]
            }
        }
    }

    /// Ends the service, now and for good. Before its file is removed.
    #[must_use]
    pub fn stop(&self) -> Vec<Step> {
        match self.manager {
            Manager::Systemd => vec![self.systemctl(&["disable", "--now", UNIT])],
            Manager::Launchd => {
                let service = format!("{}/{LABEL}", self.domain());
                vec![step(&["launchctl", "bootout", &service])]
            }
        }
    }

    /// Makes the manager forget the service, when its file is gone.
    #[must_use]
    pub fn forget(&self) -> Vec<Step> {
        match self.manager {
            Manager::Systemd => vec![self.systemctl(&["daemon-reload"])],
            Manager::Launchd => Vec::new(),
        }
    }

    /// Questions with what they are about; each is answered in a word.
    #[must_use]
    pub fn questions(&self) -> Vec<(&'static str, Step)> {
        match self.manager {
            Manager::Systemd => vec![
                ("enabled", self.systemctl(&["is-enabled", UNIT])),
                ("active", self.systemctl(&["is-active", UNIT])),
            ],
            Manager::Launchd => Vec::new(),
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

/// Whether the answer of [`Talk::manager_runs`] is that of a manager that starts services.
#[must_use]
pub fn is_running(manager: Manager, succeeded: bool, said: &str) -> bool {
    match manager {
        Manager::Systemd => matches!(
            said.trim(),
            "running" | "degraded" | "starting" | "initializing" | "maintenance"
        ),
        Manager::Launchd => succeeded,
    }
}

fn step(words: &[&str]) -> Step {
    Step(words.iter().map(|word| (*word).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(manager: Manager, scope: Scope) -> Talk<'static> {
        Talk {
            manager,
            scope,
            file: Path::new("/f"),
            uid: 501,
        }
    }

    fn said(steps: &[Step]) -> Vec<String> {
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn systemd_is_told_of_the_unit_before_it_starts_it() {
        let talk = talk(Manager::Systemd, Scope::User);
        assert_eq!(
            said(&talk.start()),
            [
                "systemctl --user daemon-reload",
                "systemctl --user enable nightscribe.service",
                "systemctl --user restart nightscribe.service",
            ]
        );
        assert_eq!(
            said(&talk.stop()),
            ["systemctl --user disable --now nightscribe.service"]
        );
    }

    #[test]
    fn launchd_is_told_by_the_user_s_domain() {
        let user = talk(Manager::Launchd, Scope::User);
        assert_eq!(said(&user.start()), ["launchctl bootstrap gui/501 /f"]);
        assert_eq!(
            said(&talk(Manager::Launchd, Scope::System).stop()),
            ["launchctl bootout system/nightscribe"]
        );
    }

    #[test]
    fn a_manager_that_did_not_start_the_machine_starts_no_service() {
        assert!(is_running(Manager::Systemd, true, "running\n"));
        assert!(is_running(Manager::Systemd, false, "degraded\n"));
        assert!(!is_running(Manager::Systemd, false, "offline\n"));
        assert!(!is_running(Manager::Systemd, false, ""));
        assert!(is_running(Manager::Launchd, true, "whatever"));
    }
}
