//! Reading the token of the page.

use super::environment::Environment;
use super::http::HttpConfig;
use super::secret::{SecretError, read_secret};
use secrecy::{ExposeSecret, SecretString};

/// Minimum length of a token in characters.
const MIN_LENGTH: usize = 16;

/// Why a token cannot be used. The message contains no part of it.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is too short.
    #[error(
        "`http.token` is too short: it needs at least {MIN_LENGTH} characters; `openssl rand -hex 32` makes one"
    )]
    Short,
}

/// Reads the token. `None` if there is to be none.
///
/// # Errors
/// If it cannot be read or is too short.
pub fn read_token(
    config: &HttpConfig,
    environment: &Environment,
) -> Result<Option<SecretString>, TokenError> {
    let Some(source) = &config.token else {
        return Ok(None);
    };
    let token = read_secret("http.token", source, environment)?;
    match token.expose_secret().chars().count() < MIN_LENGTH {
        true => Err(TokenError::Short),
        false => Ok(Some(token)),
    }
}
