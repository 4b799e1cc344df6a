//! Reading an installed unit, which may have been written by hand.

use crate::service_manager::quote::argument;
use std::path::Path;

/// Folders that `ProtectHome=` hides.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Text of a unit file, followed by the texts of its drop-ins.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a>(pub &'a str);

/// The API key that systemd passes to the service as the credential `key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitCredential {
    /// This file, which holds the key as plain text.
    File(String),
    /// An encrypted credential, which only the service can read.
    Encrypted,
    /// A name that systemd searches in its credential stores, or a text in the unit.
    Other,
}

impl<'a> Unit<'a> {
    /// Returns the effective value of a key, which is its last one.
    #[must_use]
    pub fn value(self, key: &str) -> Option<&'a str> {
        self.values(key).pop()
    }

    /// Returns the groups of the unit, which the user has in addition to its own.
    #[must_use]
    pub fn groups(self) -> Vec<&'a str> {
        let more = self.values("SupplementaryGroups").into_iter();
        let more = more.flat_map(str::split_whitespace);
        self.value("Group").into_iter().chain(more).collect()
    }

    /// Returns the effective values of a key. An empty value removes the earlier ones.
    fn values(self, key: &str) -> Vec<&'a str> {
        let mut values = Vec::new();
        for (name, value) in self.0.lines().filter_map(|line| line.split_once('=')) {
            match value.trim() {
                _ if name.trim() != key => {}
                "" => values.clear(),
                value => values.push(value),
            }
        }
        values
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

    /// Returns the credential `key`. An encrypted one takes precedence, as in systemd.
    #[must_use]
    pub fn credential(self) -> Option<UnitCredential> {
        let find = |setting: &str| {
            let values = self.values(setting).into_iter();
            values.rev().find_map(key_credential)
        };
        if find("LoadCredentialEncrypted").is_some() || find("SetCredentialEncrypted").is_some() {
            return Some(UnitCredential::Encrypted);
        }
        if let Some(path) = find("LoadCredential") {
            return Some(match path.starts_with('/') {
                true => UnitCredential::File(path.replace("%%", "%")),
                false => UnitCredential::Other,
            });
        }
        find("SetCredential").map(|_| UnitCredential::Other)
    }

    /// Returns what the sandbox of the unit denies to the programs that the service starts.
    #[must_use]
    pub fn program_restrictions(self) -> Vec<&'static str> {
        let is_on = |key| self.value(key).is_some_and(is_yes);
        let is_set =
            |key, values: &[&str]| self.value(key).is_some_and(|set| values.contains(&set));
        let families = self.values("RestrictAddressFamilies").join(" ");
        let has_netlink = families.is_empty() || families.split(' ').any(|one| one == "AF_NETLINK");
        let restrictions = [
            (
                is_set("ProtectSystem", &["strict"]),
                "they can write only to the folders of the service",
            ),
            (
                is_on("NoNewPrivileges") || self.has_dynamic_user(),
                "they gain no privileges, which a local mail program may need (`[notify.email]` does not)",
            ),
            (
                is_on("MemoryDenyWriteExecute"),
                "programs with a just-in-time compiler (Node.js, Java) fail",
            ),
            (
                !has_netlink,
                "programs that list network interfaces (a local mail program) fail",
            ),
        ];
        let active = restrictions.into_iter().filter(|(is_active, _)| *is_active);
        active.map(|(_, text)| text).collect()
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
        let mut bound = self.values("BindPaths");
        bound.extend(self.values("BindReadOnlyPaths"));
        bound
            .into_iter()
            .flat_map(str::split_whitespace)
            .map(|path| path.trim_matches('"').trim_start_matches('-'))
            .any(|path| folder.starts_with(path.split(':').next().unwrap_or(path)))
    }
}

/// Returns the part after `key:`, or nothing after `key`.
fn key_credential(value: &str) -> Option<&str> {
    match value.split_once(':') {
        Some(("key", rest)) => Some(rest),
        None if value == "key" => Some(""),
        _ => None,
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
        let file = UnitCredential::File("/100%".to_owned());
        assert_eq!(unit.credential(), Some(file));
        assert_eq!(unit.environment_file().as_deref(), Some("/e"));
    }

    #[test]
    fn a_unit_has_one_group_and_several_supplementary_ones() {
        let unit = Unit("SupplementaryGroups=a b\nGroup=c\nGroup=d\nSupplementaryGroups=e\n");
        assert_eq!(unit.groups(), ["d", "a", "b", "e"]);
        assert!(Unit("").groups().is_empty());
    }

    #[test]
    fn a_drop_in_can_replace_the_credential() {
        let unit = "LoadCredential=key:/etc/nightscribe/key\n";
        let with = |drop_in: &str| Unit(&format!("{unit}{drop_in}")).credential();
        let encrypted = Some(UnitCredential::Encrypted);
        assert_eq!(
            with("LoadCredential=\nLoadCredentialEncrypted=key\n"),
            encrypted
        );
        assert_eq!(with("LoadCredentialEncrypted=key:/etc/k.cred\n"), encrypted);
        assert_eq!(with("SetCredentialEncrypted=key: \\\n  abc\n"), encrypted);
        assert_eq!(
            with("LoadCredential=\nLoadCredential=key:vault\n"),
            Some(UnitCredential::Other)
        );
        assert_eq!(with("LoadCredential=\n"), None);
        assert_eq!(
            with("LoadCredential=key:/other\nLoadCredential=more:/x\n"),
            Some(UnitCredential::File("/other".to_owned()))
        );
    }

    #[test]
    fn a_drop_in_can_lift_restrictions_of_programs() {
        let unit = "ProtectSystem=strict\nNoNewPrivileges=yes\nMemoryDenyWriteExecute=yes\n\
                    RestrictAddressFamilies=AF_INET AF_UNIX\n";
        let with = |drop_in: &str| {
            Unit(&format!("{unit}{drop_in}"))
                .program_restrictions()
                .len()
        };
        assert_eq!(with(""), 4);
        assert_eq!(with("RestrictAddressFamilies=AF_NETLINK\n"), 3);
        assert_eq!(
            with("RestrictAddressFamilies=\nMemoryDenyWriteExecute=no\n"),
            2
        );
        assert_eq!(with("NoNewPrivileges=no\nProtectSystem=full\n"), 2);
        assert_eq!(with("NoNewPrivileges=no\nDynamicUser=yes\n"), 4);
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
