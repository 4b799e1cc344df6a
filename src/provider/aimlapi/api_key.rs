//! The API key of the calls. It is read again when the service refuses it, because keys are rotated while a run lasts.

use crate::provider::aimlapi::errors;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest time to read the key again. A file on a network share may block.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the key again. The error is a message without any part of the key.
pub type KeyReader = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// Key of all clones of a client.
pub(crate) struct ApiKey {
    state: Mutex<State>,
    reader: Option<KeyReader>,
}

struct State {
    current: Arc<Bearer>,
    /// Keys that were replaced. A late response may still repeat one.
    replaced: Vec<SecretString>,
    /// Whether the key was replaced and [`ApiKey::take_renewed`] was not called since.
    is_renewed: bool,
    /// Last error of the reader, to log each only once.
    read_error: Option<String>,
}

/// A key and its `Authorization` header.
pub(crate) struct Bearer {
    secret: SecretString,
    header: HeaderValue,
}

impl Bearer {
    /// Returns `None` if a header cannot carry the key.
    fn new(secret: SecretString) -> Option<Self> {
        let text = format!("Bearer {}", secret.expose_secret());
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(Self { secret, header })
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) const fn header(&self) -> &HeaderValue {
        &self.header
    }
}

impl ApiKey {
    /// Returns `None` if a header cannot carry the key.
    pub(crate) fn new(secret: SecretString) -> Option<Self> {
        let state = State {
            current: Arc::new(Bearer::new(secret)?),
            replaced: Vec::new(),
            is_renewed: false,
            read_error: None,
        };
        Some(Self {
            state: Mutex::new(state),
            reader: None,
        })
    }

    /// Adds the reader of a key that may be replaced.
    pub(crate) fn with_reader(&self, reader: KeyReader) -> Self {
        let current = self.current();
        let state = State {
            current,
            replaced: Vec::new(),
            is_renewed: false,
            read_error: None,
        };
        Self {
            state: Mutex::new(state),
            reader: Some(reader),
        }
    }

    /// Returns the key for the next call.
    pub(crate) fn current(&self) -> Arc<Bearer> {
        self.state().current.clone()
    }

    /// Reads the key again after the service refused `refused`. Returns whether the current key is another one.
    pub(crate) async fn renew(&self, refused: &Arc<Bearer>) -> bool {
        if !Arc::ptr_eq(&self.current(), refused) {
            return true;
        }
        let Some(reader) = self.reader.clone() else {
            return false;
        };
        let reading = tokio::task::spawn_blocking(move || reader());
        let read = match tokio::time::timeout(READ_TIMEOUT, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) | Err(_) => Err("the file cannot be read in time".to_owned()),
        };
        match read {
            Ok(secret) => self.replace(refused, secret),
            Err(error) => {
                self.log_read_error(error);
                false
            }
        }
    }

    /// Replaces `refused` by `secret` if they differ. Returns whether the current key is another one than `refused`.
    fn replace(&self, refused: &Arc<Bearer>, secret: SecretString) -> bool {
        let mut state = self.state();
        if !Arc::ptr_eq(&state.current, refused) {
            return true;
        }
        state.read_error = None;
        if secret.expose_secret() == refused.secret.expose_secret() {
            return false;
        }
        let Some(bearer) = Bearer::new(secret) else {
            return false;
        };
        let old = std::mem::replace(&mut state.current, Arc::new(bearer));
        state.replaced.push(old.secret.clone());
        state.is_renewed = true;
        drop(state);
        tracing::info!("the service refused the API key; continuing with the new one");
        true
    }

    /// Returns whether the key was replaced since the last call.
    pub(crate) fn take_renewed(&self) -> bool {
        std::mem::take(&mut self.state().is_renewed)
    }

    /// Redacts every key of this run from a message. Some services repeat a rejected key in their response.
    pub(crate) fn redact(&self, message: &str) -> String {
        let state = self.state();
        let message = errors::redact_key(message, state.current.secret.expose_secret());
        state.replaced.iter().fold(message, |message, key| {
            errors::redact_key(&message, key.expose_secret())
        })
    }

    fn log_read_error(&self, error: String) {
        let mut state = self.state();
        if state.read_error.as_ref() != Some(&error) {
            tracing::warn!(error, "the API key was refused and cannot be read again");
            state.read_error = Some(error);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn key(reader: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> ApiKey {
        let key = ApiKey::new(secret("sk-old-key")).unwrap();
        key.with_reader(Arc::new(reader))
    }

    #[tokio::test]
    async fn a_replaced_key_is_used_and_both_are_redacted() {
        let key = key(|| Ok(secret("sk-new-key")));
        let refused = key.current();
        assert!(!key.take_renewed());
        assert!(key.renew(&refused).await);
        assert_eq!(key.current().header(), "Bearer sk-new-key");
        assert!(key.take_renewed() && !key.take_renewed());
        assert_eq!(key.redact("sk-old-key, sk-new-key"), "[key], [key]");
        assert!(
            key.renew(&refused).await,
            "another call replaced it already"
        );
        assert!(!key.renew(&key.current()).await, "the file is unchanged");
    }

    #[tokio::test]
    async fn an_unchanged_or_unreadable_key_is_kept() {
        for reader in [Ok("sk-old-key"), Err("cannot read"), Ok("a\nb")] {
            let key = key(move || reader.map(secret).map_err(str::to_owned));
            assert!(!key.renew(&key.current()).await, "{reader:?}");
            assert_eq!(key.current().header(), "Bearer sk-old-key");
        }
        let fixed = ApiKey::new(secret("sk-old-key")).unwrap();
        assert!(!fixed.renew(&fixed.current()).await);
        assert!(ApiKey::new(secret("a\nb")).is_none());
    }
}
