//! A message as channels send it, and the error of a delivery.

use crate::domain::Timestamp;

/// A message in the form that a channel sends.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// ID of the message, the same in every attempt.
    pub id: &'a str,
    /// Time of creation.
    pub at: Timestamp,
    /// Time of this attempt.
    pub sent_at: Timestamp,
    /// Subject of a text. Empty for JSON.
    pub subject: &'a str,
    /// JSON or text, as the channel wants it.
    pub body: &'a str,
}

/// Error of a delivery. The message may have been delivered nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DeliveryError {
    /// Description of the error, one line without secrets.
    pub reason: String,
    /// Whether the receiver rejected the message, so that an early retry is useless.
    pub permanent: bool,
}
