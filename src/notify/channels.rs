//! The configured channels.

use super::command::CommandChannel;
use super::email::EmailChannel;
use super::healthcheck::Healthcheck;
use super::message::{DeliveryError, Message};
use super::webhook::WebhookChannel;
use super::webhook_secret::{MalformedSecret, WebhookSecret};
use crate::config::{Config, Environment, SecretError, read_secret};
use crate::domain::NotifyChannel;

/// Configuration key of the secret that signs webhook requests.
pub const WEBHOOK_SECRET: &str = "notify.webhook_secret";
/// Configuration key of the mail server's password.
pub const EMAIL_PASSWORD: &str = "notify.email.password";

/// Error of setting up a channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Its secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The signing secret has another form.
    #[error(transparent)]
    WebhookSecret(#[from] MalformedSecret),
    /// The HTTP client of the monitor cannot be created, usually because of TLS.
    #[error("cannot set up `notify.healthcheck`")]
    Monitor(#[source] reqwest::Error),
    /// The HTTP client cannot be created, usually because of TLS.
    #[error("cannot set up `notify.webhook`")]
    Http(#[source] reqwest::Error),
    /// The mail client cannot be created, usually because of TLS.
    #[error("cannot set up `notify.email`")]
    Mail(#[source] lettre::transport::smtp::Error),
}

/// The configured channels with their secrets. None by default.
#[derive(Default)]
pub struct Channels {
    command: Option<CommandChannel>,
    webhook: Option<WebhookChannel>,
    email: Option<EmailChannel>,
    healthcheck: Option<Healthcheck>,
}

impl Channels {
    /// Sets up the configured channels. Opens no connection.
    ///
    /// # Errors
    /// If a secret cannot be read or a client cannot be created.
    pub fn new(config: &Config, environment: &Environment) -> Result<Self, ChannelError> {
        let notify = &config.notify;
        let webhook = notify.webhook.as_ref().map(|webhook| {
            let read = |source| read_secret(WEBHOOK_SECRET, source, environment);
            let secret = webhook.secret.as_ref().map(read).transpose()?;
            let secret = secret.as_ref().map(WebhookSecret::parse).transpose()?;
            WebhookChannel::new(webhook, secret).map_err(ChannelError::Http)
        });
        let healthcheck = notify.healthcheck.as_ref().map(Healthcheck::new);
        let email = notify.email.as_ref().map(|email| {
            let read = |(user, source): &(String, _)| {
                let password = read_secret(EMAIL_PASSWORD, source, environment)?;
                Ok::<_, SecretError>((user.clone(), password))
            };
            let login = email.login.as_ref().map(read).transpose()?;
            EmailChannel::new(email, login).map_err(ChannelError::Mail)
        });
        let withheld = config.secret_variables();
        Ok(Self {
            command: (notify.command.as_ref())
                .map(|program| CommandChannel::new(program, withheld)),
            webhook: webhook.transpose()?,
            email: email.transpose()?,
            healthcheck: healthcheck.transpose().map_err(ChannelError::Monitor)?,
        })
    }

    /// Returns the monitor, which is notified when a run begins and ends.
    #[must_use]
    pub const fn healthcheck(&self) -> Option<&Healthcheck> {
        self.healthcheck.as_ref()
    }

    /// Whether a channel takes messages as text, instead of JSON.
    #[must_use]
    pub fn takes_text(&self, channel: NotifyChannel) -> bool {
        match channel {
            NotifyChannel::Command => false,
            NotifyChannel::Webhook => self.webhook.as_ref().is_some_and(WebhookChannel::is_text),
            NotifyChannel::Email => true,
        }
    }

    /// Returns the configured channels.
    pub fn configured(&self) -> impl Iterator<Item = NotifyChannel> + '_ {
        let is_configured = move |channel: &NotifyChannel| match channel {
            NotifyChannel::Command => self.command.is_some(),
            NotifyChannel::Webhook => self.webhook.is_some(),
            NotifyChannel::Email => self.email.is_some(),
        };
        NotifyChannel::ALL.into_iter().filter(is_configured)
    }

    /// Sends a message, with a time limit. If it is cancelled or times out, the message may have been delivered
    /// nevertheless.
    ///
    /// # Errors
    /// If the receiver did not accept the message.
    pub async fn send(
        &self,
        channel: NotifyChannel,
        message: Message<'_>,
    ) -> Result<(), DeliveryError> {
        match (channel, &self.command, &self.webhook, &self.email) {
            (NotifyChannel::Command, Some(command), _, _) => command.send(message).await,
            (NotifyChannel::Webhook, _, Some(webhook), _) => webhook.send(message).await,
            (NotifyChannel::Email, _, _, Some(email)) => email.send(message).await,
            _ => Err(DeliveryError {
                reason: format!("{channel} is not configured"),
                permanent: true,
            }),
        }
    }
}
