//! Delivery of messages by HTTP POST.

use super::message::{DeliveryError, Message};
use super::webhook_body::{WebhookBody, webhook_body};
use super::webhook_secret::WebhookSecret;
use crate::config::{WebhookConfig, WebhookFormat};
use crate::domain::one_line;
use crate::runtime::http_client::client_builder;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// Time limit of a request, including connecting and receiving the response.
const TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP client and URL to which each message is posted.
pub struct WebhookChannel {
    http: reqwest::Client,
    url: Url,
    format: WebhookFormat,
    secret: Option<WebhookSecret>,
}

impl WebhookChannel {
    /// Sets up the client. Opens no connection.
    ///
    /// # Errors
    /// If no certificates are found to verify the receiver's.
    pub fn new(
        webhook: &WebhookConfig,
        secret: Option<WebhookSecret>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: client_builder(&webhook.url).timeout(TIMEOUT).build()?,
            url: webhook.url.clone(),
            format: webhook.format,
            secret,
        })
    }

    /// Whether the receiver shows text, instead of reading JSON.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.format != WebhookFormat::Json
    }

    /// Posts a message. The header `webhook-id` of JSON is the same in every attempt, so that the receiver can deduplicate.
    ///
    /// # Errors
    /// If the receiver cannot be reached or does not respond with a 2xx status. The error is transient for 408, 429,
    /// 5xx and transport errors.
    pub async fn send(&self, message: Message<'_>) -> Result<(), DeliveryError> {
        let WebhookBody {
            body,
            content_type,
            headers,
        } = webhook_body(self.format, message);
        let request = self.http.post(self.url.clone());
        let mut request = request.header(CONTENT_TYPE, content_type);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !self.is_text() {
            let seconds = message.sent_at.millis().div_euclid(1000);
            request = request
                .header("webhook-id", message.id)
                .header("webhook-timestamp", seconds);
            if let Some(secret) = &self.secret {
                let signature = secret.signature(message.id, seconds, &body);
                request = request.header("webhook-signature", signature);
            }
        }
        let response = request.body(body).send().await;
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

#[cfg(test)]
mod tests {
    use super::*;

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
