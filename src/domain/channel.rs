//! Notification channels.

use std::fmt;
use std::str::FromStr;

/// A channel that delivers notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifyChannel {
    /// A program that reads the message from standard input.
    Command,
    /// A URL that the message is posted to.
    Webhook,
    /// E-mail.
    Email,
}

impl NotifyChannel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Command, Self::Webhook, Self::Email];

    /// Returns the name used in the database and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for NotifyChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Error for an unknown channel name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown channel `{0}`")]
pub struct UnknownChannel(String);

impl FromStr for NotifyChannel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or_else(|| UnknownChannel(text.to_owned()))
    }
}
