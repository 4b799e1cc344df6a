//! What of the configuration a service manager must know.

use super::scope::Scope;
use crate::config::{Config, KeySource, Layout};
use std::path::{Component, Path, PathBuf};

/// Where the system's own service keeps what it writes: systemd makes it, and gives it to a user made for the service.
pub const STATE_FOLDER: &str = "/var/lib/nightscribe";

/// Who a service runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user that is made for the service alone, and owns [`STATE_FOLDER`].
    Made,
    /// This user, by name or number.
    Named(String),
    /// Whoever's service manager it is.
    Caller,
}

/// How a service gets the API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// From a file, which the manager hands over where it can.
    File(String),
    /// From a variable, which a person puts into a file of variables.
    Variable {
        /// The variable.
        name: String,
        /// The file.
        file: String,
    },
}

/// What a service manager must know. Paths are absolute and plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Whose service it is.
    pub scope: Scope,
    /// Who it runs as.
    pub identity: Identity,
    /// The program.
    pub binary: String,
    /// Its configuration.
    pub config: String,
    /// What `~` stands for in the configuration, where the manager would not say so.
    pub home: Option<String>,
    /// How it gets the key.
    pub key: Key,
    /// Folders that it reads only.
    pub reads: Vec<String>,
    /// Folders that it writes.
    pub writes: Vec<String>,
}

/// Why a service cannot be made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A name that no service manager takes.
    #[error("a service cannot name `{}`: {why}; rename it", path.display())]
    Name {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The service would have to be root.
    #[error(
        "`{key}` is `{}`, which only root may write, and the service does not run as root; set {key} = \"{STATE_FOLDER}/{name}\", or a folder of the user who is to run it", path.display()
    )]
    RootOnly {
        /// The key in the configuration.
        key: &'static str,
        /// What it says.
        path: PathBuf,
        /// The folder's usual name.
        name: &'static str,
    },
}

/// What the configuration does not say.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Whose service it is.
    pub scope: Scope,
    /// Who it runs as.
    pub identity: Identity,
    /// The program.
    pub binary: PathBuf,
    /// The configuration's file.
    pub config: PathBuf,
    /// What `~` stands for, if it matters.
    pub home: Option<PathBuf>,
    /// The file of variables.
    pub environment_file: PathBuf,
}

impl Setup {
    /// What a service manager must know to run `config`.
    ///
    /// # Errors
    /// If a path is one that it does not take.
    pub fn of(config: &Config, around: Surroundings) -> Result<Self, Unfit> {
        let (reads, writes) = folders(config);
        let key = match &config.api.key {
            KeySource::File(path) => Key::File(text(path)?),
            KeySource::Env(name) => Key::Variable {
                name: name.clone(),
                file: text(&around.environment_file)?,
            },
        };
        Ok(Self {
            scope: around.scope,
            identity: around.identity,
            binary: program(&around.binary)?,
            config: text(&around.config)?,
            home: around.home.as_deref().map(text).transpose()?,
            key,
            reads: texts(&reads)?,
            writes: texts(&writes)?,
        })
    }
}

/// What is only read, and what is written. A folder that is both is written.
#[must_use]
pub fn folders(config: &Config) -> (Vec<&Path>, Vec<&Path>) {
    let sources = config.sources.iter().map(|source| source.path.as_path());
    let mut writes = vec![config.state.dir.as_path()];
    if config.output.layout == Layout::Beside {
        writes.extend(sources.clone());
    }
    // With transcripts beside the recordings, those of URLs still have a folder of their own.
    writes.push(&config.output.dir);
    writes.dedup();
    let reads = sources.filter(|path| !writes.contains(path)).collect();
    (reads, writes)
}

fn texts(paths: &[&Path]) -> Result<Vec<String>, Unfit> {
    paths.iter().map(|path| text(path)).collect()
}

/// A path as text, without `.` and `..`, which systemd does not take.
fn text(path: &Path) -> Result<String, Unfit> {
    let refuse = |why| Unfit::Name {
        path: path.to_owned(),
        why,
    };
    let plain = plain(path);
    let text = plain.to_str().ok_or_else(|| refuse("it is no UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("there are control characters in it"));
    }
    if text.ends_with([' ', '\\']) {
        return Err(refuse("it ends with a space or a backslash"));
    }
    Ok(text.to_owned())
}

fn program(path: &Path) -> Result<String, Unfit> {
    match text(path)? {
        quoted if quoted.contains(['"', '\'', '\\']) => Err(Unfit::Name {
            path: path.to_owned(),
            why: "there is a quote or a backslash in it",
        }),
        program => Ok(program),
    }
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn config(text: &str) -> Config {
        load::of_text(Some("/etc/n.toml".into()), text, &Environment::default()).unwrap()
    }

    fn setup(text: &str) -> Setup {
        let around = Surroundings {
            scope: Scope::System,
            identity: Identity::Made,
            binary: "/usr/bin/nightscribe".into(),
            config: "/etc/x/../n.toml".into(),
            home: None,
            environment_file: "/etc/nightscribe/environment".into(),
        };
        Setup::of(&config(text), around).unwrap()
    }

    #[test]
    fn recordings_are_read_and_state_and_transcripts_are_written() {
        let setup = setup(
            "[state]\ndir = '/s'\n[output]\ndir = './o/../p'\n[[source]]\nname = 'a'\npath = '/a'\n",
        );
        assert_eq!(setup.reads, ["/a"]);
        assert_eq!(setup.writes, ["/s", "/etc/p"]);
        assert_eq!(setup.config, "/etc/n.toml");
        assert_eq!(
            setup.key,
            Key::Variable {
                name: "AIMLAPI_KEY".to_owned(),
                file: "/etc/nightscribe/environment".to_owned(),
            }
        );
    }

    #[test]
    fn a_source_with_transcripts_beside_its_recordings_is_written() {
        let setup = setup(
            "[api]\nkey_file = 'key'\n[output]\nlayout = 'beside'\n[[source]]\nname = 'a'\npath = '/a'\n",
        );
        assert!(setup.reads.is_empty());
        assert_eq!(setup.writes, ["/etc/state", "/a", "/etc/transcripts"]);
        assert_eq!(setup.key, Key::File("/etc/key".to_owned()));
    }

    #[test]
    fn names_that_no_manager_takes_are_refused() {
        let broken = Path::new(OsStr::from_bytes(b"/a\xff"));
        for (path, why) in [
            (broken, "it is no UTF-8"),
            (Path::new("/a\nb"), "there are control characters in it"),
            (Path::new("/a "), "it ends with a space or a backslash"),
        ] {
            let Err(Unfit::Name { why: said, .. }) = text(path) else {
                panic!("{path:?} is taken");
            };
            assert_eq!(said, why);
        }
        assert!(program(Path::new("/a\"b")).is_err());
    }
}
