//! Signatures of messages, as the Standard Webhooks specification defines them (<https://www.standardwebhooks.com>).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use std::ops::RangeInclusive;

/// Prefix of a secret as text.
const PREFIX: &str = "whsec_";
/// Length of a secret in bytes.
const LENGTHS: RangeInclusive<usize> = 24..=64;

/// Error of a secret that is not in the form of the specification. It shows no part of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`notify.webhook_secret`: expected `whsec_` and 24 to 64 bytes in Base64; `echo whsec_$(openssl rand -base64 32)` makes one"
)]
pub struct MalformedSecret;

/// Secret that signs messages.
pub struct WebhookSecret(SecretSlice<u8>);

impl WebhookSecret {
    /// Parses a secret: `whsec_` and the bytes in Base64.
    ///
    /// # Errors
    /// If it has another form.
    pub fn parse(text: &SecretString) -> Result<Self, MalformedSecret> {
        let encoded = text.expose_secret().strip_prefix(PREFIX);
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        match bytes {
            Some(bytes) if LENGTHS.contains(&bytes.len()) => Ok(Self(bytes.into())),
            _ => Err(MalformedSecret),
        }
    }

    /// Returns the value of the header `webhook-signature` for a message that is sent at `seconds` since the Unix epoch.
    #[must_use]
    pub fn signature(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{seconds}.{body}").as_bytes());
        let code = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        format!("v1,{code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebhookSecret, MalformedSecret> {
        WebhookSecret::parse(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the reference libraries.
        let secret = parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_or_else(|_| panic!());
        let signature = secret.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn other_secrets_are_refused_without_showing_them() {
        let short = format!("whsec_{}", BASE64_STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", BASE64_STANDARD.encode([7; 65]));
        for text in [
            "5ecret",
            "whsec_",
            "whsec_5ecret!",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &short,
            &long,
        ] {
            let error = parse(text).err().unwrap().to_string();
            assert!(!error.contains("5ecret"), "{error}");
        }
        for length in LENGTHS {
            assert!(
                parse(&format!(
                    "whsec_{}",
                    BASE64_STANDARD.encode(vec![7; length])
                ))
                .is_ok()
            );
        }
    }
}
