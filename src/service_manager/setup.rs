//! Parameters of a service, derived from the configuration.

use crate::config::system::STATE_FOLDER;
use crate::config::{Config, KeySource, Layout};
use crate::service_manager::scope::Scope;
use std::path::{Component, Path, PathBuf};

/// User of the system service, if it exists. The packages create it.
pub const SERVICE_USER: &str = "nightscribe";

/// User that a service runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A dynamic user, who owns [`STATE_FOLDER`]. Only root can enter the folder.
    Dynamic,
    /// The user with this name or ID.
    Named(String),
    /// The user of the service manager.
    Caller,
}

/// Source of the service's API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceKey {
    /// A key file. systemd passes it as a credential.
    File(String),
    /// A variable that a person sets in an environment file.
    Variable {
        /// Name of the variable.
        name: String,
        /// Path of the environment file.
        file: String,
    },
}

/// Parameters of a service. Paths are absolute and valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// System or user scope.
    pub scope: Scope,
    /// User that the service runs as.
    pub identity: Identity,
    /// Path of the executable.
    pub binary: String,
    /// Path of the configuration file.
    pub config: String,
    /// Value of `HOME`, if the configuration uses `~` and the manager would set `HOME` differently or not at all.
    pub home: Option<String>,
    /// Source of the API key.
    pub key: ServiceKey,
    /// Folders that are only read.
    pub read_paths: Vec<String>,
    /// Folders that are written.
    pub write_paths: Vec<String>,
    /// Whether the service starts programs: hooks, or a command for notifications.
    pub starts_programs: bool,
}

/// Error of deriving a service from a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A path that no service manager supports.
    #[error("`{}` cannot be used in a service file: {why}; rename it", path.display())]
    Path {
        /// Path of the file or folder.
        path: PathBuf,
        /// Description of the problem.
        why: &'static str,
    },
    /// A written folder that requires root, as which the service does not run.
    #[error(
        "`{key}` is `{}`, which only root can write, but the service does not run as root; set {key} = \"{STATE_FOLDER}/{name}\", or use a folder owned by the user that the service should run as", path.display()
    )]
    RootOnly {
        /// Configuration key of the folder.
        key: &'static str,
        /// Configured path.
        path: PathBuf,
        /// Default name of the folder.
        name: &'static str,
    },
}

/// Parameters of a service that are not in the configuration.
#[derive(Debug, Clone)]
pub struct SpecContext {
    /// System or user scope.
    pub scope: Scope,
    /// User that the service runs as.
    pub identity: Identity,
    /// Path of the executable.
    pub binary: PathBuf,
    /// Path of the configuration file.
    pub config: PathBuf,
    /// Value of `HOME` to set, if any.
    pub home: Option<PathBuf>,
    /// Path of the environment file.
    pub environment_file: PathBuf,
}

impl ServiceSpec {
    /// Derives the parameters of a service that runs `config`.
    ///
    /// # Errors
    /// If a path cannot be used in a service file.
    pub fn new(config: &Config, surroundings: SpecContext) -> Result<Self, SpecError> {
        let (reads, writes) = folders(config);
        let key = match &config.api.key {
            KeySource::File(path) => ServiceKey::File(text(path)?),
            KeySource::Env(name) => ServiceKey::Variable {
                name: name.clone(),
                file: text(&surroundings.environment_file)?,
            },
        };
        Ok(Self {
            scope: surroundings.scope,
            identity: surroundings.identity,
            binary: program(&surroundings.binary)?,
            config: text(&surroundings.config)?,
            home: surroundings.home.as_deref().map(text).transpose()?,
            key,
            read_paths: texts(&reads)?,
            write_paths: texts(&writes)?,
            starts_programs: !programs(config).is_empty(),
        })
    }
}

/// Returns the folders that are only read, and those that are written. A folder that is both counts as written.
#[must_use]
pub fn folders(config: &Config) -> (Vec<&Path>, Vec<&Path>) {
    let sources = config.sources.iter().map(|source| source.path.as_path());
    let mut writes = vec![config.state.dir.as_path()];
    if config.output.layout == Layout::Beside {
        writes.extend(sources.clone());
    }
    // Transcripts of URLs are written to the output folder in every layout.
    writes.push(&config.output.dir);
    writes.dedup();
    let reads = sources.filter(|path| !writes.contains(path)).collect();
    (reads, writes)
}

/// Returns the programs that the service starts for notifications and hooks.
#[must_use]
pub fn programs(config: &Config) -> Vec<&Path> {
    let command = config.notify.command.as_ref();
    let hook = config.hooks.on_done.as_ref();
    let paths = [
        command.map(|command| command.path.as_path()),
        hook.map(|hook| hook.path.as_path()),
    ];
    let mut paths: Vec<_> = paths.into_iter().flatten().collect();
    paths.dedup();
    paths
}

fn texts(paths: &[&Path]) -> Result<Vec<String>, SpecError> {
    paths.iter().map(|path| text(path)).collect()
}

/// Returns a path as text, without `.` and `..`, which systemd does not accept.
fn text(path: &Path) -> Result<String, SpecError> {
    let error = |why| SpecError::Path {
        path: path.to_owned(),
        why,
    };
    let normalized = normalized(path);
    let text = normalized
        .to_str()
        .ok_or_else(|| error("not valid UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(error("contains control characters"));
    }
    if text.ends_with([' ', '\\']) {
        return Err(error("ends with a space or a backslash"));
    }
    Ok(text.to_owned())
}

/// Returns the path of a program as text, without quotes, which systemd does not accept in `ExecStart=`.
fn program(path: &Path) -> Result<String, SpecError> {
    match text(path)? {
        quoted if quoted.contains(['"', '\'', '\\']) => Err(SpecError::Path {
            path: path.to_owned(),
            why: "contains a quote or a backslash",
        }),
        program => Ok(program),
    }
}

fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normalized.pop();
            }
            Component::CurDir => {}
            part => normalized.push(part),
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn config(text: &str) -> Config {
        load::from_text(Some("/etc/n.toml".into()), text, &Environment::default()).unwrap()
    }

    fn setup(text: &str) -> ServiceSpec {
        let surroundings = SpecContext {
            scope: Scope::System,
            identity: Identity::Dynamic,
            binary: "/usr/bin/nightscribe".into(),
            config: "/etc/x/../n.toml".into(),
            home: None,
            environment_file: "/etc/nightscribe/environment".into(),
        };
        ServiceSpec::new(&config(text), surroundings).unwrap()
    }

    #[test]
    fn sources_are_read_and_state_and_output_are_written() {
        let setup = setup(
            "[state]\ndir = '/s'\n[output]\ndir = './o/../p'\n[[source]]\nname = 'a'\npath = '/a'\n",
        );
        assert_eq!(setup.read_paths, ["/a"]);
        assert_eq!(setup.write_paths, ["/s", "/etc/p"]);
        assert_eq!(setup.config, "/etc/n.toml");
        assert_eq!(
            setup.key,
            ServiceKey::Variable {
                name: "AIMLAPI_KEY".to_owned(),
                file: "/etc/nightscribe/environment".to_owned(),
            }
        );
    }

    #[test]
    fn sources_are_written_in_the_beside_layout() {
        let setup = setup(
            "[api]\nkey_file = 'key'\n[output]\nlayout = 'beside'\n[[source]]\nname = 'a'\npath = '/a'\n",
        );
        assert!(setup.read_paths.is_empty());
        assert_eq!(setup.write_paths, ["/etc/state", "/a", "/etc/transcripts"]);
        assert_eq!(setup.key, ServiceKey::File("/etc/key".to_owned()));
    }

    #[test]
    fn unsupported_paths_are_rejected() {
        let not_utf8 = Path::new(OsStr::from_bytes(b"/a\xff"));
        for (path, expected) in [
            (not_utf8, "not valid UTF-8"),
            (Path::new("/a\nb"), "contains control characters"),
            (Path::new("/a "), "ends with a space or a backslash"),
        ] {
            let Err(SpecError::Path { why, .. }) = text(path) else {
                panic!("{path:?} is accepted");
            };
            assert_eq!(why, expected);
        }
        assert!(program(Path::new("/a\"b")).is_err());
    }
}
