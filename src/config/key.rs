//! Reading the API key. The key is only kept in memory.

use super::KeySource;
use super::environment::Environment;
use super::small_file::read_text;
use crate::provider::KeyReader;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;

/// Maximum size of a key file, in bytes. Larger than any HTTP header.
const MAX_BYTES: usize = 64 * 1024;

/// Error of reading the API key. The message error_message how to set the key and never contains any part of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The environment variable is not set.
    #[error(
        "no API key: the environment variable `{0}` is not set; set it, or name a file with `api.key_file`"
    )]
    NotSet(String),
    /// The file cannot be read.
    #[error("no API key: cannot read the file of `api.key_file`, `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The variable or file is empty.
    #[error("no API key: {0} is empty; put the key into it")]
    Empty(String),
    /// The key contains a space, a line break, or another character that a header cannot carry.
    #[error(
        "the API key in {0} contains spaces, line breaks or other invalid characters; set it again"
    )]
    Malformed(String),
}

/// Reads the key and trims surrounding white space.
///
/// # Errors
/// If the key is missing, empty, or cannot be sent in a header.
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
                read_text(path, MAX_BYTES).map_err(failed)?,
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

/// Returns a reader of the key for a run, during which its file may be replaced. Returns `None` for a key that cannot
/// change: an environment variable, or a file that is not regular, such as a pipe that can be read only once.
#[must_use]
pub fn key_reader(source: &KeySource) -> Option<KeyReader> {
    let KeySource::File(path) = source else {
        return None;
    };
    if !path.is_file() {
        return None;
    }
    let source = source.clone();
    Some(Arc::new(move || {
        read_key(&source, &Environment::default()).map_err(|error| {
            let cause = std::error::Error::source(&error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn an_oversized_key_file_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-1\n").unwrap();
        let key = read_key(&KeySource::File(path), &Environment::default()).unwrap();
        assert_eq!(key.expose_secret(), "sk-1");
        let endless = KeySource::File("/dev/zero".into());
        let error = read_key(&endless, &Environment::default()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the file is larger than 65536 bytes");
    }

    fn environment(value: &str) -> Environment {
        Environment {
            variables: [("K".into(), value.into())].into(),
            ..Environment::default()
        }
    }

    fn error_message(value: &str) -> String {
        read_key(&KeySource::Env("K".to_owned()), &environment(value))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_replaced_key_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(key_reader(&KeySource::Env("K".to_owned())).is_none());
        assert!(key_reader(&KeySource::File("/dev/null".into())).is_none());
        std::fs::write(&path, "sk-1").unwrap();
        let reader = key_reader(&KeySource::File(path.clone())).unwrap();
        std::fs::write(&path, "sk-2\n").unwrap();
        assert_eq!(reader().unwrap().expose_secret(), "sk-2");
        std::fs::write(&path, "").unwrap();
        assert!(reader().unwrap_err().contains("is empty"));
        std::fs::remove_file(&path).unwrap();
        assert!(reader().unwrap_err().contains("cannot read"));
    }

    #[test]
    fn white_space_around_the_key_is_trimmed() {
        let key = read_key(&KeySource::Env("K".to_owned()), &environment(" sk-1\n")).unwrap();
        assert_eq!(key.expose_secret(), "sk-1");
        assert!(!format!("{key:?}").contains("sk-1"));
    }

    #[test]
    fn errors_name_the_location_but_not_the_key() {
        assert_eq!(
            error_message("  "),
            "no API key: the environment variable `K` is empty; put the key into it"
        );
        assert!(!error_message("sk-1 sk-2").contains("sk-1"));
        let error = read_key(&KeySource::Env("Q".to_owned()), &environment("x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no API key: the environment variable `Q` is not set; set it, or name a file with `api.key_file`"
        );
        let error =
            read_key(&KeySource::File("/nowhere/key".into()), &environment("x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no API key: cannot read the file of `api.key_file`, `/nowhere/key`"
        );
    }
}
