//! Notifications of a run about its holds, and their encoding for the channels.

use crate::domain::{Hold, NotifyChannel, Problem, RunId, Timestamp};
use crate::notify::notification::{AttentionReason, Origin, RunPeriod};
use crate::notify::{Channels, Message, Notification, text};
use crate::pipeline::tally::Tally;
use crate::runtime::clock::Clock;
use crate::runtime::host::host_name;
use crate::store::sqlite::outbox_message::{OutboxMessage, Payload};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Notifications of a run.
pub struct Messages {
    /// Notification channels.
    pub channels: Arc<Channels>,
    /// The run.
    pub run: RunId,
    /// Name of this machine.
    pub host: String,
    /// Start time of the run.
    pub began: Timestamp,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Counters of the run.
    pub tally: Arc<Tally>,
    /// Whether a notification was sent without the database. This happens once in a run.
    pub sent_without_store: AtomicBool,
    /// Wakes the delivery tasks. The value is the deadline for deliveries, set when the stages have ended.
    pub outbox_changed: watch::Sender<Option<Timestamp>>,
}

impl Messages {
    /// Creates the notifications of a run.
    #[must_use]
    pub fn new(
        channels: Channels,
        run: RunId,
        began: Timestamp,
        clock: Arc<dyn Clock>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            channels: Arc::new(channels),
            run,
            host: host_name(),
            began,
            clock,
            tally,
            sent_without_store: AtomicBool::new(false),
            outbox_changed: watch::Sender::new(None),
        }
    }

    /// Returns the message about a hold that has just begun. Returns `None` if the hold needs no person or no channel is
    /// configured.
    #[must_use]
    pub fn of_hold(&self, hold: &Hold) -> Option<OutboxMessage> {
        if !hold.kind.needs_action() {
            return None;
        }
        self.attention(hold.into())
    }

    /// Returns the message about a problem. Returns `None` if no channel is configured.
    #[must_use]
    pub fn of_problem(&self, problem: &Problem) -> Option<OutboxMessage> {
        self.attention(problem.into())
    }

    fn attention(&self, reason: AttentionReason) -> Option<OutboxMessage> {
        self.channels.configured().next()?;
        let now = self.clock.now();
        let tally = [self.tally.done(), self.tally.failed()];
        let period = self.period(self.began, now);
        let message = Notification::attention(self.origin(now), period, tally, reason);
        Some(self.encode(&message))
    }

    /// Returns the identity of a new message.
    #[must_use]
    pub fn origin(&self, at: Timestamp) -> Origin {
        Origin {
            id: new_id(),
            at,
            host: self.host.clone(),
        }
    }

    /// Reports a hold that begins because the database cannot be written, without storing the message in the outbox.
    /// Each channel is tried once. Only the first such hold of a run is reported.
    pub fn send_without_store(&self, hold: &Hold) {
        let Some(message) = self.of_hold(hold) else {
            return;
        };
        if self.sent_without_store.swap(true, Ordering::Relaxed) {
            return;
        }
        for payload in message.payloads {
            let (channels, id) = (self.channels.clone(), message.message_id.clone());
            tokio::spawn(async move {
                let sent = Message {
                    id: &id,
                    at: message.created_at,
                    sent_at: message.created_at,
                    subject: payload.subject.as_deref().unwrap_or_default(),
                    body: &payload.body,
                };
                if let Err(error) = channels.send(payload.channel, sent).await {
                    let (channel, reason) = (payload.channel.as_str(), error.reason);
                    tracing::warn!(channel, reason, "failed to deliver a message");
                }
            });
        }
    }

    /// Encodes a message for each configured channel.
    #[must_use]
    pub fn encode(&self, message: &Notification) -> OutboxMessage {
        let zone = self.clock.zone();
        let payload = |channel| payload(&self.channels, channel, message, &zone);
        OutboxMessage {
            message_id: message.id.clone(),
            payloads: self.channels.configured().map(payload).collect(),
            created_at: message.at,
        }
    }

    /// Returns the part of this run from `since` to `until`.
    #[must_use]
    pub const fn period(&self, since: Timestamp, until: Timestamp) -> RunPeriod {
        RunPeriod {
            id: self.run.0,
            since,
            until,
        }
    }

    /// Wakes the delivery tasks.
    pub fn wake_delivery(&self) {
        self.outbox_changed.send_modify(|_| ());
    }
}

/// Encodes a message for one of `channels`, with times of day in the time zone `zone`.
#[must_use]
pub fn payload(
    channels: &Channels,
    channel: NotifyChannel,
    message: &Notification,
    zone: &TimeZone,
) -> Payload {
    if channels.takes_text(channel) {
        return Payload {
            channel,
            subject: Some(text::subject(message)),
            body: text::body(message, zone),
        };
    }
    Payload {
        channel,
        subject: None,
        body: message.json(),
    }
}

/// Returns a random ID of 128 bits.
#[must_use]
pub fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
