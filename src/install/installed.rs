//! What an installed unit says, which may have been written by hand.

use super::quote::argument;
use std::path::Path;

/// Folders that `ProtectHome=` can hide.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// The text of a unit.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a>(pub &'a str);

impl<'a> Unit<'a> {
    /// The last value of a key, which is the one that counts.
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

    /// Whether it runs this configuration.
    #[must_use]
    pub fn runs(self, config: &str) -> bool {
        let named = format!("--config {} ", argument(config));
        self.value("ExecStart")
            .is_some_and(|command| format!("{command} ").contains(&named))
    }

    /// Whether systemd makes a user for it.
    #[must_use]
    pub fn has_a_user_of_its_own(self) -> bool {
        self.value("DynamicUser").is_some_and(is_yes)
    }

    /// The file that systemd hands to it as the key.
    #[must_use]
    pub fn credential(self) -> Option<String> {
        let path = self
            .values("LoadCredential")
            .find_map(|value| value.strip_prefix("key:"));
        path.map(|path| path.replace("%%", "%"))
    }

    /// The file of variables that it is given.
    #[must_use]
    pub fn environment_file(self) -> Option<String> {
        let path = self.value("EnvironmentFile")?;
        Some(path.trim_start_matches('-').replace("%%", "%"))
    }

    /// Whether its sandbox hides a folder that is below a home.
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

/// Whether the text of a file of variables sets this one to something.
#[must_use]
pub fn sets(text: &str, variable: &str) -> bool {
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
    fn a_unit_is_known_by_the_configuration_that_it_runs() {
        let unit = Unit("[Service]\nExecStart=/bin/nightscribe --config \"/a b.toml\" run\n");
        assert!(unit.runs("/a b.toml"));
        assert!(!unit.runs("/a"));
        assert!(!Unit("").runs("/a b.toml"));
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let unit = Unit(
            "DynamicUser=yes\nDynamicUser = off\nLoadCredential=key:/100%%\nEnvironmentFile=-/e\n",
        );
        assert!(!unit.has_a_user_of_its_own());
        assert_eq!(unit.credential().as_deref(), Some("/100%"));
        assert_eq!(unit.environment_file().as_deref(), Some("/e"));
    }

    #[test]
    fn homes_are_hidden_unless_they_are_bound() {
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
    fn a_variable_is_set_by_a_line_with_something_behind_it() {
        assert!(sets("# key\n AIMLAPI_KEY = x", "AIMLAPI_KEY"));
        assert!(!sets("AIMLAPI_KEY=''", "AIMLAPI_KEY"));
        assert!(!sets("AIMLAPI_KEY_2=x\n#AIMLAPI_KEY=x", "AIMLAPI_KEY"));
    }
}
