//! Where the file is.

use super::Config;
use super::environment::Environment;
use super::layers::build;
use super::problem::Problem;
use super::small_file::read_text;
use std::path::{Path, PathBuf};

/// Longest configuration, in bytes: thousands of sources.
const MOST_BYTES: usize = 1024 * 1024;

/// There is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it says cannot be meant.
    #[error("{}", list(.0))]
    Refused(Vec<Problem>),
}

pub(super) fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The configuration from the file that `explicit` names, or else the first there is of `$NIGHTSCRIBE_CONFIG`,
/// `./nightscribe.toml`, `$XDG_CONFIG_HOME/nightscribe/config.toml` and `/etc/nightscribe/config.toml`; without any,
/// the defaults.
///
/// # Errors
/// If a named file cannot be read, or anything in it or in the environment cannot be meant: all of it is listed.
pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let file = locate(explicit, environment);
    let text = match &file {
        Some(path) => read_text(path, MOST_BYTES).map_err(|source| ConfigError::Unreadable {
            path: path.clone(),
            source,
        })?,
        None => String::new(),
    };
    of_text(file, &text, environment)
}

/// The configuration of a file's text. Reads no file.
///
/// # Errors
/// If anything in it or in the environment cannot be meant: all of it is listed.
pub fn of_text(
    file: Option<PathBuf>,
    text: &str,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    build(file, text, environment).map_err(ConfigError::Refused)
}

fn locate(explicit: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let named = explicit.or_else(|| environment.get("NIGHTSCRIBE_CONFIG").map(Path::new));
    if let Some(named) = named {
        return Some(environment.folder.join(named));
    }
    let user = match environment.get("XDG_CONFIG_HOME") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => environment
            .get("HOME")
            .map(|home| Path::new(home).join(".config")),
    };
    let places = [
        Some(environment.folder.join("nightscribe.toml")),
        user.map(|folder| folder.join("nightscribe/config.toml")),
        Some(PathBuf::from("/etc/nightscribe/config.toml")),
    ];
    places.into_iter().flatten().find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_refused() {
        let error = load(Some(Path::new("/dev/zero")), &Environment::default()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "it is longer than 1048576 bytes");
    }

    #[test]
    fn the_file_is_looked_for_in_order_and_a_named_one_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut environment = Environment::default();
        environment
            .variables
            .insert("HOME".into(), at("home").into());
        environment.folder = folder.path().to_owned();
        std::fs::create_dir_all(at("home/.config/nightscribe")).unwrap();
        std::fs::write(at("home/.config/nightscribe/config.toml"), "").unwrap();
        assert_eq!(
            locate(None, &environment),
            Some(at("home/.config/nightscribe/config.toml"))
        );
        std::fs::write(at("nightscribe.toml"), "").unwrap();
        assert_eq!(locate(None, &environment), Some(at("nightscribe.toml")));
        environment
            .variables
            .insert("NIGHTSCRIBE_CONFIG".into(), "other.toml".into());
        assert_eq!(locate(None, &environment), Some(at("other.toml")));
        assert_eq!(
            locate(Some(Path::new("x.toml")), &environment),
            Some(at("x.toml"))
        );
        assert!(matches!(
            load(None, &environment),
            Err(ConfigError::Unreadable { .. })
        ));
    }
}
