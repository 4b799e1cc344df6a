//! The token that users and programs present, and the cookie of a login.

use crate::config::token::{TokenError, read_token};
use crate::config::{Environment, HttpConfig};
use crate::domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a login lasts.
pub(in crate::http) const LOGIN_LASTS: Duration = Duration::from_secs(30 * 86_400);

/// SHA-256 of the token. The token itself is not kept.
#[derive(Clone)]
pub(in crate::http) struct AccessToken([u8; 32]);

impl AccessToken {
    /// Reads the token. `None` if there is to be none.
    ///
    /// # Errors
    /// If it cannot be read or is too short.
    pub(in crate::http) fn read(
        config: &HttpConfig,
        environment: &Environment,
    ) -> Result<Option<Self>, TokenError> {
        let token = read_token(config, environment)?;
        Ok(token.map(|token| Self::of(token.expose_secret())))
    }

    fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether a text is the token. The time that it takes does not tell how much of it is right.
    pub(in crate::http) fn is(&self, text: &str) -> bool {
        Self::of(text).0.ct_eq(&self.0).into()
    }

    /// Returns the value of the cookie of a login that ends at `until`.
    ///
    /// It is the end and an authentication code of it, so that it holds after a restart, and no longer after a change of the
    /// token.
    pub(in crate::http) fn login(&self, until: Timestamp) -> String {
        let end = until.millis().to_string();
        let code = hex::encode(self.code(&end).finalize().into_bytes());
        format!("{end}.{code}")
    }

    /// Whether the value of a cookie is that of a login that has not ended.
    pub(in crate::http) fn is_login(&self, cookie: &str, now: Timestamp) -> bool {
        let Some((end, code)) = cookie.split_once('.') else {
            return false;
        };
        let Ok(code) = hex::decode(code) else {
            return false;
        };
        let is_authentic = self.code(end).verify_slice(&code).is_ok();
        is_authentic && end.parse().is_ok_and(|end: i64| end > now.millis())
    }

    fn code(&self, end: &str) -> Hmac<Sha256> {
        let mut code =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        code.update(b"nightscribe login until ");
        code.update(end.as_bytes());
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);

    #[test]
    fn only_the_token_itself_is_accepted() {
        let token = AccessToken::of("0123456789abcdef");
        assert!(token.is("0123456789abcdef"));
        for wrong in [
            "",
            "0123456789abcdeF",
            "0123456789abcde",
            "0123456789abcdef0",
        ] {
            assert!(!token.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_login_ends_and_cannot_be_forged() {
        let token = AccessToken::of("0123456789abcdef");
        let cookie = token.login(NOW.after(LOGIN_LASTS));
        assert!(token.is_login(&cookie, NOW));
        assert!(!token.is_login(&cookie, NOW.after(LOGIN_LASTS)));
        assert!(!AccessToken::of("another token 123").is_login(&cookie, NOW));
        let (end, code) = cookie.split_once('.').unwrap();
        for forged in [
            String::new(),
            end.to_owned(),
            format!("9{end}.{code}"),
            format!("{end}.{}", &code[2..]),
            format!("{end}."),
            format!("{end}.zz"),
        ] {
            assert!(!token.is_login(&forged, NOW), "{forged}");
        }
    }
}
