//! An address that each message is posted to.

use super::channels::{Letter, NotSent};
use crate::api::failures::clean;
use crate::api::http::connecting_to;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// The same in every try of one message, so that the receiver can tell.
pub const DELIVERY: &str = "x-nightscribe-delivery";
/// `sha256=` and the HMAC-SHA256 of the body in hexadecimal.
pub const SIGNATURE: &str = "x-nightscribe-signature";
/// From the first byte to the head of the answer.
const WITHIN: Duration = Duration::from_secs(20);

/// An address that each message is posted to.
pub struct Webhook {
    http: reqwest::Client,
    url: Url,
    secret: Option<SecretString>,
}

impl Webhook {
    /// Sets the client up; connects to nothing.
    ///
    /// # Errors
    /// If there are no certificates to check the receiver's with.
    pub fn new(url: &Url, secret: Option<SecretString>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: connecting_to(url).timeout(WITHIN).build()?,
            url: url.clone(),
            secret,
        })
    }

    /// Posts it.
    ///
    /// # Errors
    /// If it cannot be reached, or does not answer with a 2xx. Only a 408, a 429 and a 5xx say that it may take the
    /// message later.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(DELIVERY, letter.id);
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, signature(secret, letter.body.as_bytes()));
        }
        let answer = request.body(letter.body.to_owned()).send().await;
        // The address stays out of it: its path may be a secret.
        let status = answer
            .map_err(|error| unreached(&error.without_url()))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        Err(NotSent {
            reason: format!("it answered with {status}"),
            lasting: is_lasting(status),
        })
    }
}

fn is_lasting(status: StatusCode) -> bool {
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passing.contains(&status)
}

/// The innermost cause says most.
fn unreached(error: &reqwest::Error) -> NotSent {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = match error.is_timeout() {
        true => "it did not answer in time".to_owned(),
        false => clean(&format!("it cannot be reached: {innermost}")),
    };
    NotSent {
        reason,
        lasting: false,
    }
}

fn signature(secret: &SecretString, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(body);
    let code = Bytes::copy_from_slice(&mac.finalize().into_bytes());
    format!("sha256={code:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let signed = signature(&SecretString::from("Jefe"), b"what do ya want for nothing?");
        assert_eq!(
            signed,
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again_soon() {
        for (status, lasting) in [
            (500, false),
            (503, false),
            (429, false),
            (408, false),
            (302, true),
            (401, true),
            (404, true),
            (410, true),
        ] {
            assert_eq!(
                is_lasting(StatusCode::from_u16(status).unwrap()),
                lasting,
                "{status}"
            );
        }
    }
}
