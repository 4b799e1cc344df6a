//! Reading secrets other than the API key: the signing secret of a webhook, the password of a mail server and the token of the
//! page. Like the key, they are only kept in memory.

use super::environment::Environment;
use super::small_file::read_text;
use super::{Config, KeySource};
use secrecy::SecretString;
use std::path::PathBuf;

/// Maximum size of a file with a secret, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Error of reading a secret. The message names the configuration key and never contains any part of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or its value is not UTF-8.
    #[error(
        "`{key}_env`: the environment variable `{name}` is not set; set it, or name a file with `{key}_file`"
    )]
    NotSet {
        /// The key, without `_env` or `_file`.
        key: &'static str,
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("`{key}_file`: cannot read `{}`", path.display())]
    File {
        /// The key, without `_env` or `_file`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The variable or file is empty.
    #[error("`{key}`: {place} is empty")]
    Empty {
        /// The key, without `_env` or `_file`.
        key: &'static str,
        /// The variable or file, as the message names it.
        place: String,
    },
}

/// Reads a secret and trims surrounding white space. `key` is its configuration key, without `_env` or `_file`, such as
/// `notify.webhook_secret`.
///
/// # Errors
/// If the secret is missing or empty.
pub fn read_secret(
    key: &'static str,
    source: &KeySource,
    environment: &Environment,
) -> Result<SecretString, SecretError> {
    let (place, secret) = match source {
        KeySource::Env(name) => {
            let value = environment.variables.get(std::ffi::OsStr::new(name));
            let value = value.and_then(|value| value.to_str());
            let value = value.ok_or_else(|| SecretError::NotSet {
                key,
                name: name.clone(),
            })?;
            let place = format!("the environment variable `{name}`");
            (place, value.to_owned())
        }
        KeySource::File(path) => {
            let failed = |source| SecretError::File {
                key,
                path: path.clone(),
                source,
            };
            let place = format!("`{}`", path.display());
            (place, read_text(path, MAX_BYTES).map_err(failed)?)
        }
    };
    match secret.trim() {
        "" => Err(SecretError::Empty { key, place }),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}

impl Config {
    /// Returns the names of environment variables that hold a secret. They are not passed to programs that are run.
    #[must_use]
    pub fn secret_variables(&self) -> Vec<String> {
        let webhook = self.notify.webhook.as_ref();
        let login = self
            .notify
            .email
            .as_ref()
            .and_then(|email| email.login.as_ref());
        let secrets = [
            Some(&self.api.key),
            webhook.and_then(|webhook| webhook.secret.as_ref()),
            login.map(|(_, password)| password),
            self.http.token.as_ref(),
        ];
        let named = secrets
            .into_iter()
            .flatten()
            .filter_map(|secret| match secret {
                KeySource::Env(name) => Some(name.clone()),
                KeySource::File(_) => None,
            });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(source: &KeySource) -> Result<SecretString, SecretError> {
        let environment = Environment {
            variables: [("S".into(), " hush\n".into()), ("NONE".into(), "".into())].into(),
            ..Environment::default()
        };
        read_secret("notify.webhook_secret", source, &environment)
    }

    #[test]
    fn white_space_around_a_secret_is_trimmed() {
        let secret = read(&KeySource::Env("S".to_owned())).unwrap();
        assert_eq!(secret.expose_secret(), "hush");
    }

    #[test]
    fn a_missing_secret_is_reported_with_its_key() {
        let message = |source: KeySource| read(&source).unwrap_err().to_string();
        assert_eq!(
            message(KeySource::Env("Q".to_owned())),
            "`notify.webhook_secret_env`: the environment variable `Q` is not set; set it, or name a file with `notify.webhook_secret_file`"
        );
        assert_eq!(
            message(KeySource::Env("NONE".to_owned())),
            "`notify.webhook_secret`: the environment variable `NONE` is empty"
        );
        assert_eq!(
            message(KeySource::File("/nowhere/s".into())),
            "`notify.webhook_secret_file`: cannot read `/nowhere/s`"
        );
    }
}
