//! Notifications. A summary is sent when a run ends and, by a daemon, after each day. A hold that needs a person is
//! reported immediately.
//!
//! A message is stored in the outbox before it is sent, and marked as delivered afterwards.

use crate::domain::{Hold, NotifyChannel, PriceTable, Timestamp};
use crate::notify::notification::{Cost, FailedRecording, MAX_FAILURES, RunPeriod, Totals};
use crate::notify::{Message, Notification, text};
use crate::pipeline::background::retry_transient;
use crate::pipeline::context::Context;
use crate::pipeline::runner::Mode;
use crate::policy::day::{next_midnight, summary_start};
use crate::policy::delivery::{NextDelivery, next_delivery};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::outbox::Delivery;
use crate::store::sqlite::outbox_message::{OutboxMessage, Payload};
use crate::store::sqlite::recordings::Location;
use crate::store::sqlite::spending::ModelUsage;
use crate::store::sqlite::summary::FailedJob;
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How long the end of a run waits for deliveries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Delay of a daily summary after midnight, so that work finished before midnight is recorded.
const SUMMARY_DELAY: Duration = Duration::from_secs(30);

/// Prepares the messages that earlier runs left in the outbox for delivery.
///
/// # Errors
/// If the database fails.
pub(crate) async fn reopen_outbox(context: &Context) -> Result<(), StoreError> {
    if context.beside.channels.configured().next().is_none() {
        return Ok(());
    }
    let reopened = context.store.reopen_outbox(context.now()).await?;
    if reopened.given_up > 0 {
        tracing::warn!(
            messages = reopened.given_up,
            "gave up on messages that were not delivered within three days"
        );
    }
    Ok(())
}

/// Delivers the messages in the outbox until [`end`]. In a daemon, also sends daily summaries.
pub(crate) async fn notify_all(context: Arc<Context>, mode: Mode) {
    let channels = context.beside.channels.configured();
    let delivering = join_all(channels.map(|channel| deliver_all(&context, channel)));
    let days = async {
        if mode == Mode::Daemon && context.beside.channels.configured().next().is_some() {
            summarize_days(&context).await;
        }
    };
    tokio::join!(delivering, days);
}

/// Sends the summary of the run after the stages have ended, and waits up to 30 seconds for all deliveries.
pub(crate) async fn finish(context: &Context, messages: AbortOnDropHandle<()>) {
    let end_by = context.now().after(DELIVERY_TIMEOUT);
    let delivered = async {
        if context.beside.channels.configured().next().is_some() {
            let summarized = retry_transient(|| summarize(context, context.now())).await;
            summarized.unwrap_or_else(|error| log_summary_error(&error));
        }
        context.beside.outbox_changed.send_replace(Some(end_by));
        messages.await
    };
    match tokio::time::timeout(DELIVERY_TIMEOUT, delivered).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error = %error, "the notification task ended unexpectedly")
        }
        Err(_) => {
            tracing::warn!(
                "some messages were not delivered in time; they will be sent at the next start"
            );
        }
    }
}

fn log_summary_error(error: &StoreError) {
    tracing::error!(error = %error, "failed to store the summary; the next one will cover the same time");
}

/// Delivers the messages of one channel, one after another.
async fn deliver_all(context: &Context, channel: NotifyChannel) {
    let mut outbox_changed = context.beside.outbox_changed.subscribe();
    loop {
        let end_by = *outbox_changed.borrow_and_update();
        let waiting = match retry_transient(|| context.store.next_delivery(channel)).await {
            Ok(waiting) => waiting,
            Err(error) => return log_delivery_error(channel, &error),
        };
        let due = (waiting.as_ref()).map_or(Timestamp::MAX, |delivery| delivery.due_at);
        if let Some(delivery) = waiting.filter(|_| due <= context.now()) {
            match deliver(context, &delivery).await {
                Ok(()) => continue,
                Err(error) => return log_delivery_error(channel, &error),
            }
        }
        if end_by.is_some_and(|end| due > end) {
            return;
        }
        tokio::select! {
            _changed = outbox_changed.changed() => {}
            () = sleep_until(&*context.clock, due) => {}
        }
    }
}

fn log_delivery_error(channel: NotifyChannel, error: &StoreError) {
    tracing::error!(channel = channel.as_str(), error = %error, "deliveries stopped on a database error; they resume at the next start");
}

async fn deliver(context: &Context, delivery: &Delivery) -> Result<(), StoreError> {
    let (store, channel) = (&context.store, delivery.channel);
    if delivery.was_interrupted {
        tracing::info!(
            channel = channel.as_str(),
            id = delivery.message_id,
            "sending a message again under the same ID: the last run ended while sending it"
        );
    }
    retry_transient(|| store.start_delivery(delivery.id, context.now())).await?;
    let letter = Message {
        id: &delivery.message_id,
        at: delivery.created_at,
        subject: delivery.subject.as_deref().unwrap_or_default(),
        body: &delivery.body,
    };
    let sending = context.beside.channels.send(channel, letter);
    match failpoint::around("pipeline.tell.send", sending).await {
        Ok(()) => {
            tracing::info!(channel = channel.as_str(), "message delivered");
            retry_transient(|| store.finish_delivery(delivery.id, context.now())).await
        }
        Err(not_sent) => {
            let (now, tries) = (context.now(), delivery.attempts + 1);
            let (lasting, created_at) = (not_sent.permanent, delivery.created_at);
            let next = next_delivery(
                created_at,
                tries,
                lasting,
                now,
                context.backoff(),
                context.jitter(),
            );
            tracing::warn!(
                channel = channel.as_str(),
                reason = not_sent.reason,
                "failed to deliver a message; {}",
                next_step(next)
            );
            let reason = &not_sent.reason;
            retry_transient(|| store.fail_delivery(delivery.id, next, reason, now)).await
        }
    }
}

const fn next_step(next: NextDelivery) -> &'static str {
    match next {
        NextDelivery::At(_) => "it will be sent again",
        NextDelivery::AtNextStart => "it will be sent again at the next start",
        NextDelivery::GiveUp => "it will not be sent again",
    }
}

/// Stores a summary shortly after the end of each day, until the stages have ended.
async fn summarize_days(context: &Context) {
    let zone = TimeZone::system();
    while let Some(midnight) = next_midnight(context.now(), &zone) {
        let due = midnight.after(SUMMARY_DELAY);
        tokio::select! {
            () = context.beside.stages_ended.cancelled() => return,
            () = sleep_until(&*context.clock, due) => {}
        }
        // The sleep ends early if the clock was set back.
        if context.now() >= due {
            let summarized = retry_transient(|| summarize(context, midnight)).await;
            summarized.unwrap_or_else(|error| log_summary_error(&error));
        }
    }
}

/// Stores a summary of the jobs that ended since the last one in the outbox. Stores nothing if there is nothing to
/// report.
async fn summarize(context: &Context, until: Timestamp) -> Result<(), StoreError> {
    let (store, began) = (&context.store, context.began);
    let summarized_until = store.summarized_until().await?.unwrap_or(began);
    let since = summary_start(summarized_until, began, until);
    let ended = store.summary_between(since, until, MAX_FAILURES).await?;
    let ended = Totals {
        done: ended.done,
        failed: ended.failed,
        failures: ended.failures.into_iter().map(failed_item).collect(),
        audio_s: ended.audio_s,
        cost: cost(&context.prices, &ended.billed),
    };
    let (now, span) = (context.now(), span(context, since, until));
    let Some(message) = Notification::summary(new_id(), now, span, ended, &context.gate.holds())
    else {
        return Ok(());
    };
    store
        .enqueue_summary(encode(context, &message), until)
        .await?;
    context.beside.outbox_changed.send_modify(|_| ());
    Ok(())
}

/// Returns the billed amount in money, or `None` if a price is not known.
fn cost(prices: &PriceTable, billed: &[ModelUsage]) -> Option<Cost> {
    let costs = billed
        .iter()
        .map(|item| prices.cost(&item.model, item.audio_s));
    Some(Cost {
        amount: costs.sum::<Option<f64>>()?,
        currency: prices.currency()?.to_owned(),
    })
}

/// Returns the message about a hold that has just begun. Returns `None` if the hold needs no person or no channel is
/// configured.
pub(crate) fn hold_message(context: &Context, hold: &Hold) -> Option<OutboxMessage> {
    if !hold.kind.needs_action() {
        return None;
    }
    context.beside.channels.configured().next()?;
    let now = context.now();
    let tally = [&context.tally.done, &context.tally.failed];
    let tally = tally.map(|count| count.load(Ordering::Relaxed));
    let span = span(context, context.began, now);
    let message = Notification::attention(new_id(), now, span, tally, hold);
    Some(encode(context, &message))
}

/// Reports a hold that begins because the database cannot be written, without storing the message in the outbox. Each
/// channel is tried once. Only the first such hold of a run is reported.
pub(crate) fn send_without_store(context: &Context, hold: &Hold) {
    let beside = &context.beside;
    let Some(news) = hold_message(context, hold) else {
        return;
    };
    if beside.notified_without_store.swap(true, Ordering::Relaxed) {
        return;
    }
    for draft in news.payloads {
        let (channels, id) = (beside.channels.clone(), news.message_id.clone());
        tokio::spawn(async move {
            let letter = Message {
                id: &id,
                at: news.created_at,
                subject: draft.subject.as_deref().unwrap_or_default(),
                body: &draft.body,
            };
            if let Err(not_sent) = channels.send(draft.channel, letter).await {
                let (channel, reason) = (draft.channel.as_str(), not_sent.reason);
                tracing::warn!(channel, reason, "failed to deliver a message");
            }
        });
    }
}

fn span(context: &Context, since: Timestamp, until: Timestamp) -> RunPeriod {
    RunPeriod {
        id: context.run.0,
        since,
        until,
    }
}

/// Returns a random ID of 128 bits.
fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn failed_item(job: FailedJob) -> FailedRecording {
    let path = match job.location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url,
    };
    FailedRecording::new(job.id, path, job.failure)
}

/// Encodes a message for each configured channel.
fn encode(context: &Context, message: &Notification) -> OutboxMessage {
    let draft = |channel| match channel {
        NotifyChannel::Command | NotifyChannel::Webhook => Payload {
            channel,
            subject: None,
            body: message.json(),
        },
        NotifyChannel::Email => Payload {
            channel,
            subject: Some(text::subject(message)),
            body: text::body(message),
        },
    };
    OutboxMessage {
        message_id: message.id.clone(),
        payloads: context.beside.channels.configured().map(draft).collect(),
        created_at: message.at,
    }
}
