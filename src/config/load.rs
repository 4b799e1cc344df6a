//! Locating and reading the configuration file.

use super::Config;
use super::environment::Environment;
use super::small_file::read_text;
use crate::config::diagnostics::Diagnostic;
use crate::config::merge::build;
use std::path::{Path, PathBuf};

/// Maximum size of a configuration file, in bytes. Enough for thousands of sources.
const MAX_BYTES: usize = 1024 * 1024;

/// Error of loading the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file or the environment is invalid. Lists every problem.
    #[error("{}", join_lines(.0))]
    Invalid(Vec<Diagnostic>),
}

/// Joins problems, one per line.
pub(super) fn join_lines(problems: &[Diagnostic]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Loads the configuration from the file that `explicit` or `$NIGHTSCRIBE_CONFIG` names. Otherwise uses the first
/// existing file of `./nightscribe.toml`, `$XDG_CONFIG_HOME/nightscribe/config.toml` (default `~/.config`) and
/// `/etc/nightscribe/config.toml`. If none exists, returns the defaults.
///
/// # Errors
/// If the file cannot be read, or if the file or the environment is invalid. The error lists every problem.
pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let file = locate(explicit, environment);
    let text = match &file {
        Some(path) => read_text(path, MAX_BYTES).map_err(|source| ConfigError::Unreadable {
            path: path.clone(),
            source,
        })?,
        None => String::new(),
    };
    from_text(file, &text, environment)
}

/// Builds the configuration from `text`, the content of `file`. Does not read the file.
///
/// # Errors
/// If the text or the environment is invalid. The error lists every problem.
pub fn from_text(
    file: Option<PathBuf>,
    text: &str,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    build(file, text, environment).map_err(ConfigError::Invalid)
}

fn locate(explicit: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let named = explicit.or_else(|| environment.get("NIGHTSCRIBE_CONFIG").map(Path::new));
    if let Some(named) = named {
        return Some(environment.working_dir.join(named));
    }
    let files = default_files(environment).into_iter();
    // A file that this user cannot look at is in use all the same. Reading it reports why.
    files
        .into_iter()
        .find(|path| path.try_exists().unwrap_or(true))
}

/// Returns the default locations of the configuration file, in order of precedence.
#[must_use]
pub fn default_files(environment: &Environment) -> Vec<PathBuf> {
    let user = match environment.get("XDG_CONFIG_HOME") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => environment
            .get("HOME")
            .map(|home| Path::new(home).join(".config")),
    };
    let files = [
        Some(environment.working_dir.join("nightscribe.toml")),
        user.map(|folder| folder.join("nightscribe/config.toml")),
        Some(PathBuf::from("/etc/nightscribe/config.toml")),
    ];
    files.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oversized_file_is_rejected() {
        let error = load(Some(Path::new("/dev/zero")), &Environment::default()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the file is larger than 1048576 bytes");
    }

    #[test]
    fn the_first_existing_file_is_used_unless_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut environment = Environment::default();
        environment
            .variables
            .insert("HOME".into(), at("home").into());
        environment.working_dir = folder.path().to_owned();
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
