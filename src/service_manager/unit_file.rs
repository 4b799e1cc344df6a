//! Reading an installed unit, which may have been written by hand.

use crate::service_manager::quote::argument;
use std::path::Path;

/// Folders that `ProtectHome=` hides.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Text of a unit file.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a>(pub &'a str);

impl<'a> Unit<'a> {
    /// Returns the effective value of a key, which is its last one.
    #[must_use]
    pub fn value(self, key: &str) -> Option<&'a str> {
        self.values(key).last()
    }

    fn values(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(move |line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim())
        })
    }

    /// Whether the unit runs nightscribe with this configuration file.
    #[must_use]
    pub fn runs_config(self, config: &str) -> bool {
        let option = format!("--config {} ", argument(config));
        self.value("ExecStart")
            .is_some_and(|command| format!("{command} ").contains(&option))
    }

    /// Whether the unit runs as a dynamic user.
    #[must_use]
    pub fn has_dynamic_user(self) -> bool {
        self.value("DynamicUser").is_some_and(is_yes)
    }

    /// Returns the file that systemd passes to the service as the credential `key`.
    #[must_use]
    pub fn credential(self) -> Option<String> {
        let path = self
            .values("LoadCredential")
            .find_map(|value| value.strip_prefix("key:"));
        path.map(|path| path.replace("%%", "%"))
    }

    /// Returns the environment file of the service.
    #[must_use]
    pub fn environment_file(self) -> Option<String> {
        let path = self.value("EnvironmentFile")?;
        Some(path.trim_start_matches('-').replace("%%", "%"))
    }

    /// Whether `ProtectHome=` hides this folder from the service. Bind mounts are exempt.
    #[must_use]
    pub fn hides(self, folder: &Path) -> bool {
        let hidden = |value: &str| is_yes(value) || value == "tmpfs";
        self.value("ProtectHome").is_some_and(hidden)
            && HOMES.iter().any(|home| folder.starts_with(home))
            && !self.is_bound(folder)
    }

    fn is_bound(self, folder: &Path) -> bool {
        let bound = self
            .values("BindPaths")
            .chain(self.values("BindReadOnlyPaths"));
        bound
            .flat_map(str::split_whitespace)
            .map(|path| path.trim_matches('"').trim_start_matches('-'))
            .any(|path| folder.starts_with(path.split(':').next().unwrap_or(path)))
    }
}

fn is_yes(value: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].contains(&value.to_lowercase().as_str())
}

/// Whether an environment file with this text sets the variable to a non-empty value.
#[must_use]
pub fn sets_variable(text: &str, variable: &str) -> bool {
    text.lines().any(|line| {
        let value = line
            .trim()
            .strip_prefix(variable)
            .and_then(|rest| rest.trim_start().strip_prefix('='));
        value.is_some_and(|value| !value.trim().trim_matches(['"', '\'']).is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_matched_by_its_configuration() {
        let unit = Unit("[Service]\nExecStart=/bin/nightscribe --config \"/a b.toml\" run\n");
        assert!(unit.runs_config("/a b.toml"));
        assert!(!unit.runs_config("/a"));
        assert!(!Unit("").runs_config("/a b.toml"));
    }

    #[test]
    fn the_last_value_of_a_key_is_effective() {
        let unit = Unit(
            "DynamicUser=yes\nDynamicUser = off\nLoadCredential=key:/100%%\nEnvironmentFile=-/e\n",
        );
        assert!(!unit.has_dynamic_user());
        assert_eq!(unit.credential().as_deref(), Some("/100%"));
        assert_eq!(unit.environment_file().as_deref(), Some("/e"));
    }

    #[test]
    fn homes_are_hidden_unless_bind_mounted() {
        let hides = |protect: &str, bound: &str, folder: &str| {
            Unit(&format!(
                "ProtectHome={protect}\nBindReadOnlyPaths={bound}\n"
            ))
            .hides(Path::new(folder))
        };
        assert!(hides("yes", "", "/home/ann/Podcasts"));
        assert!(hides("tmpfs", "/home/bob", "/home/ann/Podcasts"));
        assert!(!hides(
            "tmpfs",
            "-/home/ann/Podcasts:/x",
            "/home/ann/Podcasts/a"
        ));
        assert!(!hides("read-only", "", "/home/ann"));
        assert!(!hides("yes", "", "/srv/audio"));
    }

    #[test]
    fn only_a_non_empty_value_sets_a_variable() {
        assert!(sets_variable("# key\n AIMLAPI_KEY = x", "AIMLAPI_KEY"));
        assert!(!sets_variable("AIMLAPI_KEY=''", "AIMLAPI_KEY"));
        assert!(!sets_variable(
            "AIMLAPI_KEY_2=x\n#AIMLAPI_KEY=x",
            "AIMLAPI_KEY"
        ));
    }
}
