//! Reading the webhook of `[notify]`.

use super::KeySource;
use super::secret_source::read_secret_source;
use super::section::Section;
use super::values::{ParseResult, parsed, web_url};
use std::path::PathBuf;
use std::str::FromStr;
use url::Url;

/// URL to which each message is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// URL. Its path may be a secret.
    pub url: Url,
    /// Form of the messages.
    pub format: WebhookFormat,
    /// Location of the secret that signs the messages.
    pub secret: Option<KeySource>,
}

/// Form of the messages that a webhook receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFormat {
    /// The message as JSON, with the headers of Standard Webhooks.
    Json,
    /// Incoming webhook of Slack, and of programs that are compatible with it.
    Slack,
    /// Webhook of Discord.
    Discord,
    /// Topic of ntfy.
    Ntfy,
}

/// Error of parsing a [`WebhookFormat`].
#[derive(Debug, thiserror::Error)]
#[error("expected \"json\", \"slack\", \"discord\" or \"ntfy\", found \"{0}\"")]
pub struct UnknownWebhookFormat(String);

impl FromStr for WebhookFormat {
    type Err = UnknownWebhookFormat;

    fn from_str(text: &str) -> Result<Self, UnknownWebhookFormat> {
        match text {
            "json" => Ok(Self::Json),
            "slack" => Ok(Self::Slack),
            "discord" => Ok(Self::Discord),
            "ntfy" => Ok(Self::Ntfy),
            other => Err(UnknownWebhookFormat(other.to_owned())),
        }
    }
}

/// Reads the keys of the webhook. `None` if there is none, or it is invalid.
pub(super) fn read_webhook(
    section: &mut Section<'_>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<WebhookConfig> {
    let url = section.get("webhook", web_url);
    let format = section.get("webhook_format", parsed::<WebhookFormat, _>);
    let secret = read_secret_source(
        section,
        ["webhook_secret_env", "webhook_secret_file"],
        "webhook_secret",
        resolve,
    );
    if !section.has("webhook") && secret.is_some() {
        section.reject("webhook", "required because a signing secret is set");
    }
    if format.is_some_and(|format| format != WebhookFormat::Json) && secret.is_some() {
        section.reject(
            "webhook_format",
            "only messages in the format \"json\" are signed; remove the signing secret",
        );
    }
    Some(WebhookConfig {
        url: url?,
        format: format?,
        secret,
    })
}
