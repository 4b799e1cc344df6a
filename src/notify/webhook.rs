//! Delivery of messages by HTTP POST.

use super::message::{DeliveryError, Message};
use crate::domain::one_line;
use crate::runtime::http_client::client_builder;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// Header with the message's ID. It is the same in every attempt, so that the receiver can deduplicate.
pub const DELIVERY_HEADER: &str = "x-nightscribe-delivery";
/// Header with `sha256=` and the HMAC-SHA256 of the body in hexadecimal.
pub const SIGNATURE_HEADER: &str = "x-nightscribe-signature";
/// Time limit of a request, including connecting and receiving the response.
const TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP client and URL to which each message is posted.
pub struct WebhookChannel {
    http: reqwest::Client,
    url: Url,
    secret: Option<SecretString>,
}

impl WebhookChannel {
    /// Sets up the client. Opens no connection.
    ///
    /// # Errors
    /// If no certificates are found to verify the receiver's.
    pub fn new(url: &Url, secret: Option<SecretString>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: client_builder(url).timeout(TIMEOUT).build()?,
            url: url.clone(),
            secret,
        })
    }

    /// Posts a message.
    ///
    /// # Errors
    /// If the receiver cannot be reached or does not respond with a 2xx status. The error is transient for 408, 429,
    /// 5xx and transport errors.
    pub async fn send(&self, message: Message<'_>) -> Result<(), DeliveryError> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(DELIVERY_HEADER, message.id);
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE_HEADER, signature(secret, message.body.as_bytes()));
        }
        let response = request.body(message.body.to_owned()).send().await;
        // The error must not contain the URL, whose path may be a secret.
        let status = response
            .map_err(|error| transport_error(&error.without_url()))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        Err(DeliveryError {
            reason: format!("responded with {status}"),
            permanent: is_permanent(status),
        })
    }
}

fn is_permanent(status: StatusCode) -> bool {
    let transient = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !transient.contains(&status)
}

/// Converts a transport error. The innermost cause is the most specific one.
fn transport_error(error: &reqwest::Error) -> DeliveryError {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = match error.is_timeout() {
        true => "timed out".to_owned(),
        false => one_line(&format!("cannot be reached: {innermost}")),
    };
    DeliveryError {
        reason,
        permanent: false,
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
        let signature = signature(&SecretString::from("Jefe"), b"what do ya want for nothing?");
        assert_eq!(
            signature,
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn only_transient_statuses_are_retried_soon() {
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
                is_permanent(StatusCode::from_u16(status).unwrap()),
                lasting,
                "{status}"
            );
        }
    }
}
