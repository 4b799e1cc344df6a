//! Reading the API key, which is nowhere else than in memory afterwards.

use super::KeySource;
use super::environment::Environment;
use super::small_file::read_text;
use secrecy::SecretString;
use std::path::PathBuf;

/// Longest key file, in bytes: more than any header may hold.
const MOST_BYTES: usize = 64 * 1024;

/// The key cannot be had. The message says how to set it, and never shows any of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The variable is not there.
    #[error(
        "no API key: the environment variable `{0}` is not set; set it, or name a file with `api.key_file`"
    )]
    NotSet(String),
    /// The file cannot be read.
    #[error("no API key: cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("no API key: {0} is empty")]
    Empty(String),
    /// A key of several lines or the like.
    #[error("the API key in {0} holds characters that no key holds; set it again")]
    Malformed(String),
}

/// Reads the key, without white space around it.
///
/// # Errors
/// If it is missing, empty, or cannot be sent in a header.
pub fn read_key(source: &KeySource, environment: &Environment) -> Result<SecretString, KeyError> {
    let (place, key) = match source {
        KeySource::Env(name) => {
            let value = environment.variables.get(std::ffi::OsStr::new(name));
            let value = value.ok_or_else(|| KeyError::NotSet(name.clone()))?;
            (
                format!("the environment variable `{name}`"),
                value.to_string_lossy().into_owned(),
            )
        }
        KeySource::File(path) => {
            let failed = |source| KeyError::File {
                path: path.clone(),
                source,
            };
            (
                format!("`{}`", path.display()),
                read_text(path, MOST_BYTES).map_err(failed)?,
            )
        }
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(KeyError::Empty(place));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyError::Malformed(place));
    }
    Ok(SecretString::from(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_key_file_is_read_and_one_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-1\n").unwrap();
        let key = read_key(&KeySource::File(path), &Environment::default()).unwrap();
        assert_eq!(key.expose_secret(), "sk-1");
        let endless = KeySource::File("/dev/zero".into());
        let error = read_key(&endless, &Environment::default()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "it is longer than 65536 bytes");
    }

    fn environment(value: &str) -> Environment {
        Environment {
            variables: [("K".into(), value.into())].into(),
            ..Environment::default()
        }
    }

    fn says(value: &str) -> String {
        read_key(&KeySource::Env("K".to_owned()), &environment(value))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_key_is_read_without_the_white_space_around_it() {
        let key = read_key(&KeySource::Env("K".to_owned()), &environment(" sk-1\n")).unwrap();
        assert_eq!(key.expose_secret(), "sk-1");
        assert!(!format!("{key:?}").contains("sk-1"));
    }

    #[test]
    fn a_refusal_says_where_to_look_and_shows_nothing() {
        assert_eq!(
            says("  "),
            "no API key: the environment variable `K` is empty"
        );
        assert!(!says("sk-1 sk-2").contains("sk-1"));
        let error = read_key(&KeySource::Env("Q".to_owned()), &environment("x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no API key: the environment variable `Q` is not set; set it, or name a file with `api.key_file`"
        );
        let error =
            read_key(&KeySource::File("/nowhere/key".into()), &environment("x")).unwrap_err();
        assert_eq!(error.to_string(), "no API key: cannot read `/nowhere/key`");
    }
}
