//! The ways that are set.

use super::command::Command;
use super::email::Email;
use super::webhook::Webhook;
use crate::config::{Config, Environment, SecretError, read_secret};
use crate::domain::{Channel, Timestamp};

/// The key of the secret that signs what is posted.
pub const WEBHOOK_SECRET: &str = "notify.webhook_secret";
/// The key of the password of the mail server.
pub const EMAIL_PASSWORD: &str = "notify.email.password";

/// A message as it is handed to a channel.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The message's ID, the same in every try.
    pub id: &'a str,
    /// When it was written.
    pub at: Timestamp,
    /// Of an e-mail.
    pub subject: &'a str,
    /// JSON, or the text of an e-mail.
    pub body: &'a str,
}

/// It was not delivered, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotSent {
    /// What happened, in one line without secrets.
    pub reason: String,
    /// The receiver said that it does not take it: sending it again soon is of no use.
    pub lasting: bool,
}

/// A channel cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Its secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// TLS or the like.
    #[error("`notify.webhook` cannot be set up")]
    Http(#[source] reqwest::Error),
    /// TLS or the like.
    #[error("`notify.email` cannot be set up")]
    Mail(#[source] lettre::transport::smtp::Error),
}

/// The ways that are set, with their secrets read. None by default.
#[derive(Default)]
pub struct Channels {
    command: Option<Command>,
    webhook: Option<Webhook>,
    email: Option<Email>,
}

impl Channels {
    /// Sets up what is configured; connects to nothing.
    ///
    /// # Errors
    /// If a secret cannot be had.
    pub fn new(config: &Config, environment: &Environment) -> Result<Self, ChannelError> {
        let notify = &config.notify;
        let webhook = notify.webhook.as_ref().map(|webhook| {
            let read = |source| read_secret(WEBHOOK_SECRET, source, environment);
            let secret = webhook.secret.as_ref().map(read).transpose()?;
            Webhook::new(&webhook.url, secret).map_err(ChannelError::Http)
        });
        let email = notify.email.as_ref().map(|email| {
            let read = |(user, source): &(String, _)| {
                let password = read_secret(EMAIL_PASSWORD, source, environment)?;
                Ok::<_, SecretError>((user.clone(), password))
            };
            let login = email.login.as_ref().map(read).transpose()?;
            Email::new(email, login).map_err(ChannelError::Mail)
        });
        let withheld = config.secret_variables();
        Ok(Self {
            command: (notify.command.as_ref()).map(|program| Command::new(program, withheld)),
            webhook: webhook.transpose()?,
            email: email.transpose()?,
        })
    }

    /// Those that are set.
    pub fn set(&self) -> impl Iterator<Item = Channel> + '_ {
        let is_set = move |channel: &Channel| match channel {
            Channel::Command => self.command.is_some(),
            Channel::Webhook => self.webhook.is_some(),
            Channel::Email => self.email.is_some(),
        };
        Channel::ALL.into_iter().filter(is_set)
    }

    /// Hands a letter over, within bounds. Given up or cut off meanwhile, it may have been delivered all the same.
    ///
    /// # Errors
    /// If it was not taken.
    pub async fn send(&self, channel: Channel, letter: Letter<'_>) -> Result<(), NotSent> {
        match (channel, &self.command, &self.webhook, &self.email) {
            (Channel::Command, Some(command), _, _) => command.send(letter).await,
            (Channel::Webhook, _, Some(webhook), _) => webhook.send(letter).await,
            (Channel::Email, _, _, Some(email)) => email.send(letter).await,
            _ => Err(NotSent {
                reason: format!("no {channel} is set"),
                lasting: true,
            }),
        }
    }
}
