//! Sends a test message through the notification channels.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::NotifyChannel;
use crate::notify::notification::Origin;
use crate::notify::{Channels, Message, Notification};
use crate::pipeline::messages::{new_id, payload};
use crate::runtime::clock::{Clock, SystemClock};
use crate::runtime::host::host_name;
use serde::Serialize;

/// Result of a test message on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestDelivery {
    /// Channel.
    pub channel: &'static str,
    /// Why the message was not accepted. `None` if it was.
    pub error: Option<String>,
}

/// Sends a test message through each configured channel, once. Nothing is stored.
///
/// # Errors
/// If no channel is configured, or one cannot be set up.
pub async fn send_test_message(session: &Session) -> Result<Vec<TestDelivery>, AppError> {
    let channels = Channels::new(&session.config, &session.environment)?;
    let message = Notification::test(Origin {
        id: new_id(),
        at: session.now(),
        host: host_name(),
    });
    let mut deliveries = Vec::new();
    for channel in channels.configured() {
        deliveries.push(send(&channels, channel, &message).await);
    }
    if deliveries.is_empty() {
        return Err(AppError::NoChannel);
    }
    Ok(deliveries)
}

async fn send(channels: &Channels, channel: NotifyChannel, message: &Notification) -> TestDelivery {
    let payload = payload(channels, channel, message, &SystemClock.zone());
    let sent = Message {
        id: &message.id,
        at: message.at,
        sent_at: message.at,
        subject: payload.subject.as_deref().unwrap_or_default(),
        body: &payload.body,
    };
    let delivered = channels.send(channel, sent).await;
    TestDelivery {
        channel: channel.as_str(),
        error: delivered.err().map(|error| error.reason),
    }
}
